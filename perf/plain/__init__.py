"""The published models bare: what the suite's work and its cost are measured against.

`scripts.py` has the eight models as Keras 2.0.8's examples have them, for `perf/published.py`. The
other modules are the suite that an asv user would write of three of them, for `perf/cost.py`: each
metric is a function of its own that trains for itself, in asv's plain way with its defaults.
"""
