"""The suite's models in float64 numpy, from the formulas: what the same-work proof is judged by.

`tape` differentiates, `layers` are the formulas, `optimizers` those of Keras 2.0.8, `dialect` has
the words in which the suite's models are written.
"""
