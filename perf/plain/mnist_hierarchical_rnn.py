"""MNIST read row by row by LSTMs."""

from . import scripts, training


class MnistHierarchicalRnn(training.Plain, scripts.MnistHierarchicalRnn):
    """The published model, measured in asv's plain way."""
