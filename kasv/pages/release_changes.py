"""The releases' pages: what each changed in the lock, and the speed that came with it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kasv import background, listing, significance, verdicts
from kasv.background import Background
from kasv.history import in_order
from kasv.measurements import Measurements, Series, Task, Training, Trainings
from kasv.metrics import EPOCH, STEP
from kasv.pages import change_points
from kasv.pages.addresses import Graphs
from kasv.pages.change_points import ChangePoint
from kasv.pages.site import Site
from kasv.releases import BACKENDS, Release
from kasv.significance import Verdict
from kasv.verdicts import Judgement, Side

Changes = dict[str, tuple[str | None, str | None]]

# As many series as a table holds; asv's graphs show all.
_MOST_SERIES = 4
_MOST_POINTS = 200


class _Time(NamedTuple):
    """A model's seconds a step; what they say beside the measured release before."""

    seconds: float
    judged: Judgement | None
    marks: tuple[str, ...]


class _Speed(NamedTuple):
    """A release's times in a series; `ratio` is the geometric mean of the models' ratios."""

    before: Release | None
    times: dict[Task, _Time]
    ratio: float | None
    verdict: Verdict


class ReleaseChange(NamedTuple):
    """A release, the one before it, what changed between their locks, and its speed by series."""

    release: Release
    before: Release | None
    changes: Changes
    speeds: dict[Series, _Speed]


class _History(NamedTuple):
    """What was measured in a series, and what its history does by itself."""

    commits: Mapping[str, Trainings]
    background: Background | None
    per_round: Mapping[str, int]

    def judge(self, task: Task, older: Trainings, newer: Trainings, alpha: float) -> Judgement:
        a, b = (_side(trainings[task]) for trainings in (older, newer))
        return verdicts.judge(a, b, self.per_round.get(task.model, 0), self.background, alpha)


def changes(
    releases: Iterable[Release],
    measurements: Measurements,
    series: Iterable[Series],
    per_round: Mapping[str, int],
) -> dict[str, list[ReleaseChange]]:
    """Return each backend's releases, newest first; speeds are those in the given series."""
    ordered = in_order(releases)
    histories = {
        one: _History(measurements[one], _background(ordered, measurements[one]), per_round)
        for one in series
    }
    by_backend: dict[str, list[Release]] = {backend: [] for backend in BACKENDS}
    for release in ordered:
        by_backend[release.backend].append(release)
    return {b: _changes(found, histories) for b, found in by_backend.items() if found}


def _changes(releases: list[Release], histories: Mapping[Series, _History]) -> list[ReleaseChange]:
    speeds = {one: _speeds(releases, history) for one, history in histories.items()}
    made = []
    for before, release in zip([None, *releases], releases, strict=False):
        changed = listing.changes(before, release) if before else {}
        of_release = {s: found[release.tag] for s, found in speeds.items() if release.tag in found}
        made.append(ReleaseChange(release, before, changed, of_release))
    return made[::-1]


def _speeds(releases: Iterable[Release], history: _History) -> dict[str, _Speed]:
    """Compare each release of a backend with the one measured before it, by tag."""
    found: dict[str, _Speed] = {}
    before: Release | None = None
    for release in releases:
        trainings = history.commits.get(release.commit, {})
        if any(training.seconds(STEP) for training in trainings.values()):
            older = history.commits[before.commit] if before else {}
            found[release.tag] = _speed(before, older, trainings, history)
            before = release
    return found


def _speed(before: Release | None, older: Trainings, newer: Trainings, history: _History) -> _Speed:
    common = [task for task in newer if _are_comparable(older.get(task), newer[task])]
    alpha = significance.ALPHA / max(1, len(common))
    judged = {task: history.judge(task, older, newer, alpha) for task in common}
    times = {
        task: _Time(seconds, judged.get(task), training.step_marks)
        for task, training in sorted(newer.items())
        if (seconds := training.seconds(STEP))
    }
    mean = verdicts.mean(list(judged.values()), history.background)
    if mean is None:
        return _Speed(before, times, None, "cannot tell")
    effect, verdict = mean
    return _Speed(before, times, effect.ratio, verdict)


def _are_comparable(a: Training | None, b: Training) -> bool:
    """Tell whether both have a step time, of the same version of the benchmark."""
    if a is None or not (a.seconds(STEP) and b.seconds(STEP)):
        return False
    return a.sampled[STEP].version == b.sampled[STEP].version


def _side(training: Training) -> Side:
    sampled = training.sampled
    return Side(sampled[STEP], sampled.get(EPOCH), training.doubts(STEP))


def _background(releases: Iterable[Release], commits: Mapping[str, Trainings]) -> Background | None:
    figures = {
        commit: {task: t.sampled[STEP] for task, t in trainings.items() if STEP in t.sampled}
        for commit, trainings in commits.items()
    }
    return background.estimate(releases, figures)


def write(
    site: Site,
    releases: list[Release],
    measurements: Measurements,
    points: list[ChangePoint],
    graphs: Graphs,
    per_round: Mapping[str, int],
) -> None:
    """Write the page of all releases and one for each backend."""
    series = most_measured(measurements)[:_MOST_SERIES]
    made = changes(releases, measurements, series, per_round)
    shown = points[:_MOST_POINTS]
    backgrounds = {
        one: _background(in_order(releases), measurements.get(one, {}))
        for one in {point.series for point in shown}
    }
    site.write(
        "releases.html",
        "releases.html",
        backends=made,
        series=series[0] if series else None,
        places=change_points.places(shown),
        judge=lambda point: change_points.judge(point, backgrounds[point.series]),
        shown=len(shown),
        found=len(points),
        graph=graphs.address,
    )
    for backend, found in made.items():
        site.write(
            f"releases-{backend}.html",
            "backend.html",
            backend=backend,
            releases=found,
            graph=graphs.address,
            left_out=len(measurements) - len(series),
        )


def most_measured(measurements: Measurements) -> list[Series]:
    """Return the series, the one with most results first."""
    return sorted(measurements, key=lambda series: (-len(measurements[series]), series))
