"""Leaderboards: which backend was fastest on a day, in the shape of the articles' tables of 2017.

A board is of one setting. It has a table per task, backends by machine, with the newest release
that each backend had on that day and that was measured on that machine; and, to close it, the
geometric mean over the tasks. The time of a step ranks; that of an epoch stands beside it.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from kasv.history import in_order
from kasv.measurements import Measurements, Setting, Task, Training, Trainings
from kasv.metrics import ACCURACY, EPOCH, PUBLISHED_EPOCH, STEP
from kasv.releases import BACKENDS, Release

_NOTHING = Training()

# A training that reaches less of the best one's accuracy and has a loss that much larger has not
# done the same work: its time is shown and not ranked. CNTK 2.7 on lstm_text_generation is one.
FAR_BEHIND = 0.75


class Cell(NamedTuple):
    """A backend's times on a machine, in seconds; where it is not ranked, `reason` says why.

    `factor` relates its step to that of the fastest backend on the same machine, which has 1.
    `marks` are those of the step and of the work done, `epoch_marks` those of the epoch.
    `published_epoch` is computed, not run. `quality` is None where the training learned nothing.
    """

    release: Release | None
    reason: str = ""
    step: float | None = None
    factor: float | None = None
    epoch: float | None = None
    published_epoch: float | None = None
    quality: float | None = None
    quality_reason: str = ""
    marks: tuple[str, ...] = ()
    epoch_marks: tuple[str, ...] = ()

    @property
    def is_best(self) -> bool:
        """Tell whether no other backend was faster on this machine."""
        return self.factor == 1.0


class Mean(NamedTuple):
    """Factors of a backend on a machine: geometric mean, least, largest, and over how many tasks.

    `is_best` is for the least mean among the backends that have the most tasks: one that leaves
    out what it is slow at, or cannot do, must not win by it.
    """

    value: float
    least: float
    largest: float
    tasks: int
    is_best: bool = False


class Table(NamedTuple):
    """A task's cells: for each backend one per machine. `metric` is what `quality` holds."""

    task: Task
    metric: str
    rows: dict[str, list[Cell]]


class Board(NamedTuple):
    """What a day's releases did under one setting; a mean is None where nothing was measured."""

    setting: Setting
    day: date
    machines: list[str]
    tables: list[Table]
    means: dict[str, list[Mean | None]]
    newest: dict[str, list[Release | None]]


class _Machine(NamedTuple):
    """A machine's newest measured release of each backend, and what it gave."""

    name: str
    newest: dict[str, Release]
    trainings: dict[str, Trainings]

    def training(self, backend: str, task: Task) -> Training:
        return self.trainings.get(backend, {}).get(task, _NOTHING)


def boards(measurements: Measurements, releases: Iterable[Release], day: date) -> list[Board]:
    """Return a board for each setting measured by that day, the one with most results first."""
    known = in_order(r for r in releases if r.date.date() <= day)
    counted: Counter[Setting] = Counter()
    for series, commits in measurements.items():
        counted[series.setting] += len(commits)
    order = sorted(counted, key=lambda setting: (-counted[setting], setting))
    made = (_board(measurements, known, setting, day) for setting in order)
    return [board for board in made if board.tables]


def _board(
    measurements: Measurements, known: Sequence[Release], setting: Setting, day: date
) -> Board:
    machines = list(_machines(measurements, known, setting))
    backends = [b for b in BACKENDS if any(release.backend == b for release in known)]
    tables = [_table(task, machines, backends) for task in _tasks(machines)]
    columns = [_means(tables, backends, index) for index in range(len(machines))]
    return Board(
        setting,
        day,
        [machine.name for machine in machines],
        tables,
        {b: [column[b] for column in columns] for b in backends},
        {b: [machine.newest.get(b) for machine in machines] for b in backends},
    )


def _machines(
    measurements: Measurements, known: Iterable[Release], setting: Setting
) -> Iterator[_Machine]:
    """Yield the setting's machines, the one with most results first."""
    found = [(s.machine, c) for s, c in measurements.items() if s.setting == setting]
    for name, commits in sorted(found, key=lambda item: (-len(item[1]), item[0])):
        newest = {r.backend: r for r in known if r.commit in commits}
        if newest:
            yield _Machine(name, newest, {b: commits[r.commit] for b, r in newest.items()})


def _tasks(machines: Iterable[_Machine]) -> list[Task]:
    """Return the tasks that were timed, and those that failed of models that were not timed."""
    trained = [pair for m in machines for found in m.trainings.values() for pair in found.items()]
    timed = {task for task, t in trained if t.seconds(STEP) or t.seconds(EPOCH)}
    models = {task.model for task in timed}
    return sorted(timed | {task for task, _ in trained if task.model not in models})


def _table(task: Task, machines: Sequence[_Machine], backends: Sequence[str]) -> Table:
    trainings = [m.training(b, task) for m in machines for b in backends]
    judged = any(training.value(ACCURACY) is not None for training in trainings)
    metric = ACCURACY if judged else "track_loss"
    elsewhere = {backend for machine in machines for backend in machine.newest}
    columns = [_column(task, machine, backends, metric, elsewhere) for machine in machines]
    return Table(task, metric, {b: [column[b] for column in columns] for b in backends})


def _column(
    task: Task, machine: _Machine, backends: Iterable[str], metric: str, elsewhere: set[str]
) -> dict[str, Cell]:
    """Return a machine's cells of a task, by backend."""
    trainings = {backend: machine.training(backend, task) for backend in backends}
    ranked = _ranked(trainings)
    fastest = min(ranked.values(), default=1.0)
    cells = {}
    for backend, training in trainings.items():
        missing = _missing(backend, machine, training, elsewhere)
        reason = "" if backend in ranked else missing or _unranked(training)
        factor = ranked[backend] / fastest if backend in ranked else None
        cells[backend] = _cell(machine.newest.get(backend), training, reason, factor, metric)
    return cells


def _cell(
    release: Release | None, training: Training, reason: str, factor: float | None, metric: str
) -> Cell:
    quality = training.value(metric) if training.has_learned else None
    missing = "not learned" if not training.has_learned else reason or "not measured"
    return Cell(
        release,
        reason,
        training.seconds(STEP),
        factor,
        training.seconds(EPOCH),
        training.seconds(PUBLISHED_EPOCH),
        quality,
        "" if quality is not None else missing,
        training.marks if training.seconds(STEP) else (),
        training.doubts(EPOCH),
    )


def _ranked(trainings: Mapping[str, Training]) -> dict[str, float]:
    """Return the steps' seconds of the backends that did the same work and learned by it."""
    right = {b: t for b, t in trainings.items() if t.work != "wrong"}
    learned = _learned(right)
    steps = {b: t.seconds(STEP) for b, t in right.items()}
    return {b: seconds for b, seconds in steps.items() if seconds and b in learned}


def _learned(trainings: Mapping[str, Training]) -> set[str]:
    """Return the backends that are not far behind the best in all that is known of them.

    Of few test samples, accuracy alone differs by luck; a loss close to 0 differs where accuracy
    does not.
    """
    timed = {b: t for b, t in trainings.items() if t.seconds(STEP)}
    accuracies = _known(timed, ACCURACY)
    losses = _known(timed, "track_loss")
    inaccurate = {b for b, v in accuracies.items() if v < FAR_BEHIND * max(accuracies.values())}
    lossy = {b for b, v in losses.items() if v * FAR_BEHIND > min(losses.values())}
    behind = inaccurate & lossy if accuracies and losses else inaccurate | lossy
    return timed.keys() - behind


def _known(trainings: Mapping[str, Training], metric: str) -> dict[str, float]:
    values = {b: t.value(metric) for b, t in trainings.items()}
    return {b: value for b, value in values.items() if value is not None}


def _unranked(training: Training) -> str:
    """Say why a training that was timed has no factor."""
    if training.seconds(STEP) is None:
        return "no step time"
    return "wrong" if training.work == "wrong" else "learned less"


def _missing(backend: str, machine: _Machine, training: Training, elsewhere: set[str]) -> str:
    """Say why there is no time at all, if there is none."""
    if training.seconds(STEP) or training.seconds(EPOCH):
        return ""
    if backend not in machine.newest:
        return "not on this machine" if backend in elsewhere else "not measured"
    failed = any(metric in training.values for metric in (STEP, EPOCH))
    return "fails" if failed else "not measured"


def _means(
    tables: Iterable[Table], backends: Iterable[str], machine: int
) -> dict[str, Mean | None]:
    """Return a machine's mean of each backend."""
    cells = {b: [table.rows[b][machine] for table in tables] for b in backends}
    factors = {b: [c.factor for c in column if c.factor] for b, column in cells.items()}
    most = max((len(found) for found in factors.values()), default=0)
    means = {b: _mean(found) if found else None for b, found in factors.items()}
    complete = [mean.value for mean in means.values() if mean and mean.tasks == most]
    best = min(complete, default=None)
    return {
        b: mean and mean._replace(is_best=mean.tasks == most and mean.value == best)
        for b, mean in means.items()
    }


def _mean(factors: Sequence[float]) -> Mean:
    return Mean(statistics.geometric_mean(factors), min(factors), max(factors), len(factors))


def common_release(newest: Iterable[Release | None]) -> Release | None:
    """Return a backend's release if all machines that have the backend measured the same one."""
    tags = {release.tag: release for release in newest if release}
    return tags.popitem()[1] if len(tags) == 1 else None
