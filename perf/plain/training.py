"""What the three plain benchmarks share."""

import json
from pathlib import Path


class Plain:
    """Time an epoch; track accuracy, loss and memory of a training of five.

    A subclass is a `scripts.Script` too. `perf/cost.py` leaves in `samples.json` how many samples
    for training and test each model takes.
    """

    timeout = 3600
    epochs = 5

    def setup(self):
        """Load the data, build and compile the model."""
        samples = json.loads(Path(__file__).with_name("samples.json").read_text())
        train, test = samples[type(self).__module__.rpartition(".")[2]]
        self.train, self.test = self.load("train", train), self.load("test", test)
        self.model = self.build()

    def train_for(self, epochs):
        """Train for some epochs."""
        self.fit(self.model, *self.train, epochs)

    def time_epoch(self):
        """Train for one epoch."""
        self.train_for(1)

    def track_accuracy(self):
        """Return the accuracy on the test data."""
        self.train_for(self.epochs)
        return float(self.model.evaluate(*self.test, verbose=0)[1])

    def track_loss(self):
        """Return the loss on the test data."""
        self.train_for(self.epochs)
        return float(self.model.evaluate(*self.test, verbose=0)[0])

    def peakmem_epoch(self):
        """Train for one epoch."""
        self.train_for(1)
