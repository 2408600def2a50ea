"""What was measured, arranged for showing: by series, release and training.

A series is a machine under one setting; figures of different series are never mixed. Within a
series, a training on real data and one on generated data are two tasks, even of the same model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kasv import conditions, families
from kasv.conditions import Known
from kasv.metrics import ACCURACY, CHANCE, SAMPLED, STEP
from kasv.results import Figure

WAITING = "waiting"
# What makes a time doubtful: the metric that tells, and the value above which it does.
DOUBTS = {
    "unstable": ("track_spread", 0.1),
    "contended": ("track_other_load", 0.1),
    WAITING: ("track_waiting", 0.1),
}


class Mark(NamedTuple):
    """A sign beside a figure, and what it means."""

    sign: str
    meaning: str


MARKS = {
    "unstable": Mark("~", "unstable: the steps' times differ by more than 10% among themselves"),
    "contended": Mark("!", "contended: others used over 10% of its cores meanwhile"),
    WAITING: Mark("w", "waiting: over 10% of the epoch it neither computed nor was kept from it"),
    conditions.MARK: Mark("m", "the machine's own speed moved by over 5% meanwhile"),
    "unproven": Mark("?", "unproven: nothing shows yet that it does the published work"),
    "racing": Mark("r", "racing: the same training gives other weights each time"),
    "optimizer": Mark("o", "its optimizer follows another formula than the published one"),
}


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
    sampled: dict[str, Figure] = field(default_factory=dict)
    machine_moved: bool = False

    def value(self, metric: str) -> float | None:
        """Return a metric's value, None where it failed or there is none."""
        return self.values.get(metric)

    def seconds(self, metric: str) -> float | None:
        """Return a time; no training takes none."""
        seconds = self.value(metric)
        return seconds if seconds and seconds > 0 else None

    @property
    def has_learned(self) -> bool:
        """Tell whether its accuracy, where it has one, is better than chance."""
        return has_learned(self.values)

    @property
    def work(self) -> families.Work:
        """Return which family of work it does."""
        return families.work(self.values)

    @property
    def optimizer(self) -> families.Optimizer:
        """Return how its optimizer relates to the published one."""
        return families.optimizer(self.values)

    def doubts(self, metric: str) -> tuple[str, ...]:
        """Return the marks of one of its times; waiting touches no step."""
        return tuple(
            mark
            for mark, (name, bound) in DOUBTS.items()
            if (self.value(name) or 0.0) > bound and (mark != WAITING or metric != STEP)
        )

    @property
    def step_marks(self) -> tuple[str, ...]:
        """Return the marks of its step time, the machine's included."""
        moved = (conditions.MARK,) if self.machine_moved else ()
        return (*self.doubts(STEP), *moved)

    @property
    def marks(self) -> tuple[str, ...]:
        """Return all marks of its rank: of its step time, and of the work it does."""
        of_work = (self.work,) if self.work in ("unproven", "racing") else ()
        differs = ("optimizer",) if self.optimizer in ("variant", "other") else ()
        return (*self.step_marks, *of_work, *differs)


def has_learned(values: Mapping[str, float | None]) -> bool:
    """Tell whether a training's accuracy, where it has one, is better than chance."""
    accuracy, chance = values.get(ACCURACY), values.get(CHANCE)
    return accuracy is None or chance is None or accuracy > chance


Trainings = dict[Task, Training]
Measurements = dict[Series, dict[str, Trainings]]


def collect(figures: Iterable[Figure], known: Known | None = None) -> Measurements:
    """Fold figures into trainings, by series and commit; `known` are the conditions of them."""
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
        if known and figure.metric == STEP and (session := known.of(figure)):
            training.machine_moved = session.has_moved
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
    if figure.epoch is not None:
        if figure.value is not None:
            training.history[figure.epoch] = figure.value
        return
    training.values[figure.metric] = figure.value
    if figure.metric in SAMPLED:
        training.sampled[figure.metric] = figure
