"""What the three plain benchmarks share."""

import os
from pathlib import Path

import numpy


def mnist(train, test, flat):
    """Return the first `train` and `test` samples of MNIST as (images, one-hot digits)."""
    arrays = numpy.load(str(Path(os.environ["KASV_ARRAYS"]) / "mnist-real.npz"))
    shape = (-1, 784) if flat else (-1, 28, 28, 1)
    parts = []
    for name, count in (("train", train), ("test", test)):
        x = arrays["x_" + name][:count].reshape(shape).astype("float32") / 255
        parts.append((x, numpy.eye(10, dtype="float32")[arrays["y_" + name][:count]]))
    return parts


class Plain:
    """Time an epoch; track accuracy, loss and memory of a training of five."""

    timeout = 3600
    epochs = 5

    def fit(self, epochs):
        """Train for some epochs."""
        x, y = self.train
        self.model.fit(x, y, batch_size=self.batch_size, epochs=epochs, verbose=0)

    def time_epoch(self):
        """Train for one epoch."""
        self.fit(1)

    def track_accuracy(self):
        """Return the accuracy on the test data."""
        self.fit(self.epochs)
        return float(self.model.evaluate(*self.test, verbose=0)[1])

    def track_loss(self):
        """Return the loss on the test data."""
        self.fit(self.epochs)
        return float(self.model.evaluate(*self.test, verbose=0)[0])

    def peakmem_epoch(self):
        """Train for one epoch."""
        self.fit(1)
