"""The change points that asv finds, with what changed in the lock as suspects."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kasv import listing, verdicts
from kasv.background import Background
from kasv.measurements import Series, Setting, Task
from kasv.metrics import METRICS, SAMPLED
from kasv.releases import Release
from kasv.significance import Verdict

_SMALLEST = 0.05  # asv's own default threshold


class Suspect(NamedTuple):
    """A package whose pin differs between the releases around a change point."""

    name: str
    before: str | None
    after: str | None


class ChangePoint(NamedTuple):
    """Where a metric's level changes between two releases of a backend: its levels, their ratio."""

    series: Series
    task: Task
    metric: str
    before: Release
    after: Release
    old: float
    new: float
    ratio: float


class Place(NamedTuple):
    """Two releases between which something changed, the suspects, and all that did."""

    before: Release
    after: Release
    suspects: list[Suspect]
    points: list[ChangePoint]


def find(
    graphs: Iterable[tuple[str, Any]],
    benchmarks: Mapping[str, Mapping[str, Any]],
    revisions: Mapping[str, int],
    releases: Iterable[Release],
) -> list[ChangePoint]:
    """Return the change points in asv's graphs, the largest first.

    One lies between two levels that differ by more than 5 % and by more than what asv found
    each level to scatter.
    """
    commits = {revision: commit for commit, revision in revisions.items()}
    by_commit = {release.commit: release for release in releases}
    by_revision = {r: by_commit[c] for r, c in commits.items() if c in by_commit}
    found = [
        point
        for _, graph in graphs
        if _is_listed(graph.benchmark_name)
        for point in _of_graph(graph, benchmarks[graph.benchmark_name], by_revision)
    ]
    return sorted(found, key=_largest_first)


def _is_listed(benchmark: str) -> bool:
    metric = METRICS.get(benchmark.rpartition(".")[2])
    return metric is not None and metric.has_change_points


def _largest_first(point: ChangePoint) -> tuple[float, str, Task, str]:
    """Return what change points are sorted by; a halving is as large as a doubling."""
    return -max(point.ratio, 1 / point.ratio), point.after.tag, point.task, point.metric


def judge(point: ChangePoint, background: Background | None) -> Verdict:
    """Tell whether a change is more than the machine's history, or one value's luck, explains."""
    if point.metric in SAMPLED:
        return verdicts.of_one(point.ratio, background)
    if point.metric == "track_error":
        return verdicts.of_accuracies(1 - point.old, 1 - point.new)
    return verdicts.of_growth(point.ratio - 1, METRICS[point.metric].tolerance or 0.0)


def _of_graph(
    graph: Any, benchmark: Mapping[str, Any], releases: Mapping[int, Release]
) -> Iterator[ChangePoint]:
    size, device, threads = (
        str(graph.params.get(f"env-{name}", "unknown"))
        for name in ("KASV_SIZE", "KASV_DEVICE", "KASV_THREADS")
    )
    series = Series(str(graph.params.get("machine")), Setting(size, device, threads))
    model, _, metric = graph.benchmark_name.partition(".")
    for combination, levels in zip(_combinations(benchmark), graph.get_steps(), strict=True):
        task = Task(model, combination[0].strip("'\""))
        for older, newer in itertools.pairwise(levels):
            if _is_change(older, newer):
                around = releases[older[1] - 1], releases[newer[0]]
                yield _point(series, task, metric.rpartition(".")[2], around, older[2], newer[2])


def _combinations(benchmark: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    return itertools.product(*benchmark["params"])


def _is_change(older: tuple[float, ...], newer: tuple[float, ...]) -> bool:
    """Tell whether asv's levels (left, right, value, least, error) really differ."""
    smallest = max(_SMALLEST * min(older[2], newer[2]), older[4], newer[4])
    return min(older[2], newer[2]) > 0 and abs(newer[2] - older[2]) > smallest


def _point(
    series: Series,
    task: Task,
    metric: str,
    around: tuple[Release, Release],
    old: float,
    new: float,
) -> ChangePoint:
    return ChangePoint(series, task, metric, *around, old, new, new / old)


def places(points: Iterable[ChangePoint]) -> list[Place]:
    """Gather the points between the same two releases; the order is that of their first ones."""
    found: dict[tuple[str, str], list[ChangePoint]] = {}
    for point in points:
        found.setdefault((point.before.tag, point.after.tag), []).append(point)
    ends = [(of_place[0].before, of_place[0].after, of_place) for of_place in found.values()]
    return [Place(a, b, suspects(a, b), of_place) for a, b, of_place in ends]


def suspects(before: Release, after: Release) -> list[Suspect]:
    """Return what differs between two releases: the backend first, then Keras, Python, numpy."""
    changed = listing.changes(before, after)
    first = {after.backend: 0, "keras": 1, "python": 2, "numpy": 3}
    order = sorted(changed, key=lambda name: (first.get(name, 4), name))
    return [Suspect(name, *changed[name]) for name in order]
