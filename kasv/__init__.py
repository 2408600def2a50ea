"""kasv: a continuous benchmarking repository for Keras backends."""
