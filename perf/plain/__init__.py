"""The suite that an asv user would write: what perf/cost.py measures ours against.

Each metric is a function of its own that trains for itself, in asv's plain way with its defaults.
Models, data sizes and epochs are those of our suite at `small`, in Keras 2's words.
"""
