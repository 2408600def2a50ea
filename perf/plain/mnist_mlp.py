"""MNIST by a dense network."""

from . import scripts, training


class MnistMlp(training.Plain, scripts.MnistMlp):
    """The published model, measured in asv's plain way."""
