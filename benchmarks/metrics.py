"""What asv tracks of a training beside its steady epochs' time: every `track_` function.

Each reads the training's record, so that all metrics of a model on a release come from one training
run. NaN, which asv shows as n/a, means that there is no such figure; it never stands for another.
"""

import abc

from . import records, settings


class Metrics(abc.ABC):
    """The `track_` functions of a model; a model that lacks one sets it to None."""

    metric = "accuracy"  # what a convergence curve shows
    params = [["real"]]
    param_names = ["data"]
    published_epochs = 0
    small_epochs = 1  # steady ones, of a training on small data

    @classmethod
    def epochs_on(cls, size):
        """Return how many epochs a training on data of this size is to have."""
        return 1 + cls.small_epochs if size == "small" else cls.published_epochs

    def __init_subclass__(cls, **kwargs):
        """Give each model a `track_history` with one parameter for each of its epochs."""
        super().__init_subclass__(**kwargs)

        def track_history(self, data, epoch):
            return records.after(self.record(data), self.metric, epoch)

        last = cls.epochs_on(settings.size())
        track_history.params = [cls.params[0], list(range(1, last + 1))]
        track_history.param_names = ["data", "epoch"]
        track_history.unit = cls.metric
        cls.track_history = track_history

    @abc.abstractmethod
    def record(self, data):
        """Return the training's record."""

    def track_step_time(self, data):
        """Return the seconds of a training step inside `fit`, a sample for each block of steps."""
        return _samples(records.step_samples(self.record(data), "step_seconds"))

    track_step_time.unit = "seconds"

    def track_step_cpu(self, data):
        """Return the processor seconds of the same steps, all threads; n/a on a GPU."""
        if settings.device() != "cpu":
            return records.NAN
        return _samples(records.step_samples(self.record(data), "step_cpu_seconds"))

    track_step_cpu.unit = "seconds"

    def track_epoch_overhead(self, data):
        """Return what the median steady epoch takes beside its steps, in seconds."""
        return records.median(records.overheads(self.record(data)))

    track_epoch_overhead.unit = "seconds"

    def track_waiting(self, data):
        """Return the share of the median steady epoch in which nobody used its cores."""
        record = self.record(data)
        epochs = records.seconds(record, "steady")
        waits = records.waits(record)
        return records.median([wait / epoch for wait, epoch in zip(waits, epochs)])

    track_waiting.unit = "share"

    def track_published_epoch(self, data):
        """Return the seconds of an epoch of the published data, computed from the steps' time."""
        return records.published_epoch(self.record(data))

    track_published_epoch.unit = "seconds"

    def track_first_epoch(self, data):
        """Return the first epoch's seconds: it holds graph building and compilation."""
        return records.median(records.seconds(self.record(data), "first"))

    track_first_epoch.unit = "seconds"

    def track_epoch_with_validation(self, data):
        """Return the seconds of an epoch with its validation: what the articles of 2017 timed."""
        return records.median(records.seconds(self.record(data), "validated"))

    track_epoch_with_validation.unit = "seconds"

    def track_samples_per_second(self, data):
        """Return the training samples per second of the median steady epoch."""
        record = self.record(data)
        return record["samples"] / records.median(records.seconds(record, "steady"))

    track_samples_per_second.unit = "samples/s"

    def track_accuracy(self, data):
        """Return the share of the test data predicted right after the planned final epoch."""
        return records.final(self.record(data), "accuracy")

    track_accuracy.unit = "accuracy"

    def track_chance_accuracy(self, data):
        """Return the accuracy that a training must exceed to have learned anything."""
        value = self.record(data)["chance_accuracy"]
        return records.NAN if value is None else value

    track_chance_accuracy.unit = "accuracy"

    def track_error(self, data):
        """Return 1 - accuracy: asv takes every increase for a regression, and here it is one."""
        return 1 - records.final(self.record(data), "accuracy")

    track_error.unit = "error"

    def track_loss(self, data):
        """Return the loss after the planned final epoch."""
        return records.final(self.record(data), "loss")

    track_loss.unit = "loss"

    def track_peak_memory(self, data):
        """Return the largest resident memory of the process that trained, in bytes."""
        return self.record(data)["peak_memory"]

    track_peak_memory.unit = "bytes"

    def track_spread(self, data):
        """Return the interquartile range of the steps' time relative to their median."""
        return records.spread(records.blocks(self.record(data), "step_seconds"))

    track_spread.unit = "relative"

    def track_other_load(self, data):
        """Return the share of the training's cores that others used in the steady epochs."""
        return records.other_load(self.record(data))

    track_other_load.unit = "share"

    def track_gpu_peak_memory(self, data):
        """Return the largest GPU memory in use in the steady epochs, in bytes; n/a on a CPU."""
        return records.largest(self.record(data), "gpu_memory")

    track_gpu_peak_memory.unit = "bytes"

    def track_gpu_energy(self, data):
        """Return the median steady epoch's energy on the GPU, in joules; n/a on a CPU."""
        return records.median(records.steady(self.record(data), "gpu_energy"))

    track_gpu_energy.unit = "joules"


def _samples(values):
    """Return samples as asv takes them, with its statistics; NaN of none."""
    return {"samples": values, "number": 1} if values else records.NAN
