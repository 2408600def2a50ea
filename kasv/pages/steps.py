"""The releases' pages: what changed in the lock at every step, and the speed that came with it."""

import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kasv import listing
from kasv.measurements import Measurements, Series, Task, Trainings
from kasv.pages.addresses import Graphs
from kasv.pages.jumps import Jump, places
from kasv.pages.site import Site
from kasv.releases import BACKENDS, Release

Changes = dict[str, tuple[str | None, str | None]]

# A step smaller than this is shown, but not called a change: asv's own default threshold.
NOTABLE = 0.05
# As many series as a table holds; asv's graphs show all.
_MOST_SERIES = 4
_MOST_JUMPS = 200


class _Time(NamedTuple):
    """A task's seconds per epoch, and their ratio to those of the measured release before."""

    seconds: float
    ratio: float | None


class _Speed(NamedTuple):
    """A release's times in a series; `ratio` is the geometric mean of the tasks' ratios."""

    before: Release | None
    times: dict[Task, _Time]
    ratio: float | None


class Step(NamedTuple):
    """A release, the one before it, what changed between their locks, and its speed by series."""

    release: Release
    before: Release | None
    changes: Changes
    speeds: dict[Series, _Speed]


def steps(
    releases: Iterable[Release], measurements: Measurements, series: Iterable[Series]
) -> dict[str, list[Step]]:
    """Return each backend's steps, newest first; speeds are those in the given series."""
    chosen = list(series)
    by_backend: dict[str, list[Release]] = {backend: [] for backend in BACKENDS}
    for release in releases:
        by_backend[release.backend].append(release)
    return {b: _steps(found, measurements, chosen) for b, found in by_backend.items() if found}


def _steps(releases: list[Release], measurements: Measurements, series: list[Series]) -> list[Step]:
    speeds = {one: _speeds(releases, measurements[one]) for one in series}
    made = []
    for before, release in zip([None, *releases], releases, strict=False):
        changes = listing.changes(before, release) if before else {}
        of_release = {s: found[release.tag] for s, found in speeds.items() if release.tag in found}
        made.append(Step(release, before, changes, of_release))
    return made[::-1]


def _speeds(releases: Iterable[Release], commits: Mapping[str, Trainings]) -> dict[str, _Speed]:
    """Compare each release of a backend with the one measured before it, by tag."""
    found: dict[str, _Speed] = {}
    before: Release | None = None
    for release in releases:
        times = _seconds(commits.get(release.commit, {}))
        if times:
            older = _seconds(commits[before.commit]) if before else {}
            found[release.tag] = _speed(before, times, older)
            before = release
    return found


def _speed(before: Release | None, times: dict[Task, float], older: dict[Task, float]) -> _Speed:
    ratios = {task: seconds / older[task] for task, seconds in times.items() if task in older}
    made = {task: _Time(seconds, ratios.get(task)) for task, seconds in times.items()}
    return _Speed(before, made, statistics.geometric_mean(ratios.values()) if ratios else None)


def _seconds(trainings: Trainings) -> dict[Task, float]:
    found = {task: training.value("time_epoch") for task, training in sorted(trainings.items())}
    return {task: seconds for task, seconds in found.items() if seconds and seconds > 0}


def write(
    site: Site,
    releases: list[Release],
    measurements: Measurements,
    jumps: list[Jump],
    graphs: Graphs,
) -> None:
    """Write the page of all releases and one for each backend."""
    series = _most_measured(measurements)
    made = steps(releases, measurements, series)
    site.write(
        "releases.html",
        "releases.html",
        backends=made,
        series=series[0] if series else None,
        places=places(jumps[:_MOST_JUMPS]),
        shown=min(len(jumps), _MOST_JUMPS),
        found=len(jumps),
        graph=graphs.address,
        notable=NOTABLE,
    )
    for backend, found in made.items():
        site.write(
            f"releases-{backend}.html",
            "backend.html",
            backend=backend,
            steps=found,
            graph=graphs.address,
            notable=NOTABLE,
            left_out=len(measurements) - len(series),
        )


def _most_measured(measurements: Measurements) -> list[Series]:
    ordered = sorted(measurements, key=lambda series: (-len(measurements[series]), series))
    return ordered[:_MOST_SERIES]
