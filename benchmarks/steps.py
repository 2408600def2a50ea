"""The clock inside `fit`: when a few of an epoch's batches ended, by the wall and by the processor.

A step's time is that between two such readings, by the steps between: what `fit` does once an
epoch (slicing, shuffling, TensorFlow's wait for a timer) is no part of it. The first batches of an
epoch are left out, because caches, queues and PyTorch's subnormal numbers settle there.
"""

import time
import timeit

EARLY = 10  # batches of an epoch that are not timed
BLOCKS = 4  # of equally many steps, up to the last full batch: each is a sample
FEWEST_STEPS = EARLY + BLOCKS


def marks(steps):
    """Return the counts of batches after which to read the clocks; none of a shorter epoch."""
    if steps < FEWEST_STEPS:
        return ()
    block = (steps - EARLY) // BLOCKS
    return tuple(steps - block * left for left in range(BLOCKS, -1, -1))


class StepClock(object):
    """Reads both clocks after the marked batches of one epoch."""

    def __init__(self, steps, synchronise):
        """Time an epoch of `steps` full batches; `synchronise` waits for what a batch computes."""
        self._marks = marks(steps)
        self._wanted = frozenset(self._marks)
        self._synchronise = synchronise
        self._readings = {}

    def batch_ended(self, number, logs):
        """Note that the batch with this number, counted from 0, has ended."""
        if number + 1 in self._wanted:
            self._synchronise(logs)
            self._readings[number + 1] = (timeit.default_timer(), time.process_time())

    def samples(self):
        """Return each block's (wall seconds, processor seconds) a step, in two lists."""
        if len(self._readings) < len(self._marks):
            raise RuntimeError(
                "Keras told of the end of {} of the {} batches to be timed".format(
                    len(self._readings), len(self._marks)
                )
            )
        pairs = list(zip(self._marks, self._marks[1:]))
        return [self._per_step(pairs, clock) for clock in (0, 1)]

    def _per_step(self, pairs, clock):
        return [
            (self._readings[end][clock] - self._readings[start][clock]) / (end - start)
            for start, end in pairs
        ]
