"""MNIST by a convolutional network."""

from . import scripts, training


class MnistCnn(training.Plain, scripts.MnistCnn):
    """The published model, measured in asv's plain way."""
