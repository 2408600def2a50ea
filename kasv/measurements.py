"""What was measured, arranged for showing: by series, release and training.

A series is a machine under one setting; figures of different series are never mixed. Within a
series, a training on real data and one on generated data are two tasks, even of the same model.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from kasv.results import Figure, Stats

# A larger interquartile range, relative to the median epoch, marks a time as unstable.
UNSTABLE = 0.1
# A larger share of a training's cores, used by others meanwhile, marks a time as disturbed.
BUSY = 0.1


class Setting(NamedTuple):
    """What asv's matrix chose: how much data, on which device, with how many threads."""

    size: str
    device: str
    threads: str

    def __str__(self) -> str:
        """Say it in words."""
        threads = "1 thread" if self.threads == "1" else f"{self.threads} threads"
        return f"{self.size} data, {self.device.upper()}, {threads}"


class Series(NamedTuple):
    """A machine under one setting."""

    machine: str
    setting: Setting


class Task(NamedTuple):
    """A model trained on real or on generated data."""

    model: str
    data: str

    def __str__(self) -> str:
        """Say the model, and the data where it is not the real one."""
        return self.model if self.data == "real" else f"{self.model} ({self.data} data)"


@dataclass(slots=True)
class Training:
    """What one training gave: a value by metric (None: failed), and its history by epoch."""

    values: dict[str, float | None] = field(default_factory=dict)
    history: dict[int, float] = field(default_factory=dict)
    stats: Stats | None = None
    measured_at: int = 0

    def value(self, metric: str) -> float | None:
        """Return a metric's value, None where it failed or there is none."""
        return self.values.get(metric)

    @property
    def is_unstable(self) -> bool:
        """Tell whether the steady epochs' times differ too much."""
        return (self.value("track_spread") or 0.0) > UNSTABLE

    @property
    def is_disturbed(self) -> bool:
        """Tell whether others used the training's cores while the epochs were timed."""
        return (self.value("track_other_load") or 0.0) > BUSY


Trainings = dict[Task, Training]
Measurements = dict[Series, dict[str, Trainings]]


def collect(figures: Iterable[Figure]) -> Measurements:
    """Fold figures into trainings, by series and commit."""
    found: Measurements = {}
    # A file's figures come one after another and share their variables: look its place up once.
    last: Figure | None = None
    trainings: Trainings = {}
    for figure in figures:
        if last is None or not _same_place(figure, last):
            trainings = found.setdefault(_series(figure), {}).setdefault(figure.commit, {})
        last = figure
        task = Task(figure.model, figure.data)
        training = trainings.get(task)
        if training is None:
            training = trainings[task] = Training()
        _add(training, figure)
    return found


def _same_place(one: Figure, other: Figure) -> bool:
    return (
        one.variables is other.variables
        and one.commit == other.commit
        and one.machine == other.machine
    )


def _series(figure: Figure) -> Series:
    names = ("KASV_SIZE", "KASV_DEVICE", "KASV_THREADS")
    return Series(figure.machine, Setting(*(figure.variables.get(n, "unknown") for n in names)))


def _add(training: Training, figure: Figure) -> None:
    training.measured_at = max(training.measured_at, figure.started_at or 0)
    if figure.epoch is not None:
        if figure.value is not None:
            training.history[figure.epoch] = figure.value
        return
    training.values[figure.metric] = figure.value
    if figure.metric == "time_epoch":
        training.stats = figure.stats
