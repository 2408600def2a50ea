"""The page that says which releases do the published work: each release's family by model."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kasv import families
from kasv.history import in_order
from kasv.measurements import Measurements, Task, Training, Trainings
from kasv.pages.release_changes import most_measured
from kasv.pages.site import Site
from kasv.releases import BACKENDS, Release


class _Proof(NamedTuple):
    """What a release does in a model, and the numbers that say so."""

    work: families.Work
    optimizer: str
    deviation: float | None
    optimizer_deviation: float | None


class _Row(NamedTuple):
    release: Release
    proofs: dict[Task, _Proof]


def write(site: Site, measurements: Measurements, releases: Iterable[Release]) -> None:
    """Write the page: of the series with most results."""
    series = next(iter(most_measured(measurements)), None)
    commits = measurements[series] if series else {}
    tasks = sorted({task for trainings in commits.values() for task in trainings})
    rows = [_row(r, commits) for r in in_order(releases) if r.commit in commits]
    by_backend = {b: [row for row in rows[::-1] if row.release.backend == b] for b in BACKENDS}
    site.write(
        "work.html",
        "work.html",
        series=series,
        tasks=tasks,
        backends={backend: found for backend, found in by_backend.items() if found},
        equal=families.EQUAL,
        variants=families.VARIANTS.values(),
    )


def _row(release: Release, commits: Mapping[str, Trainings]) -> _Row:
    trainings = commits[release.commit]
    return _Row(release, {task: _proof(task, training) for task, training in trainings.items()})


def _proof(task: Task, training: Training) -> _Proof:
    return _Proof(
        training.work,
        families.optimizer_text(task.model, training.optimizer),
        training.value("track_deviation"),
        training.value("track_optimizer_deviation"),
    )
