"""The jumps that asv's step detection finds, with what changed in the lock as suspects."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kasv import listing
from kasv.measurements import Series, Setting, Task
from kasv.releases import Release

# Of these, less is better, so that a jump up is a jump for the worse.
METRICS = {
    "time_epoch": "epoch",
    "track_first_epoch": "first epoch",
    "track_error": "error",
    "track_loss": "loss",
    "track_peak_memory": "peak memory",
}
_SMALLEST = 0.05  # asv's own default threshold


class Suspect(NamedTuple):
    """A package whose pin differs between the releases around a jump."""

    name: str
    before: str | None
    after: str | None


class Jump(NamedTuple):
    """A step of a metric between two releases of a backend: its levels and their ratio."""

    series: Series
    task: Task
    metric: str
    before: Release
    after: Release
    old: float
    new: float
    ratio: float


class Place(NamedTuple):
    """Two releases between which something jumped, the suspects, and all that did."""

    before: Release
    after: Release
    suspects: list[Suspect]
    jumps: list[Jump]


def find(
    graphs: Iterable[tuple[str, Any]],
    benchmarks: Mapping[str, Mapping[str, Any]],
    revisions: Mapping[str, int],
    releases: Iterable[Release],
) -> list[Jump]:
    """Return the jumps in asv's graphs, the largest first.

    A jump lies between two levels that differ by more than 5 % and by more than what asv found
    each level to scatter.
    """
    commits = {revision: commit for commit, revision in revisions.items()}
    by_commit = {release.commit: release for release in releases}
    by_revision = {r: by_commit[c] for r, c in commits.items() if c in by_commit}
    found = [
        jump
        for _, graph in graphs
        if graph.benchmark_name.rpartition(".")[2] in METRICS
        for jump in _of_graph(graph, benchmarks[graph.benchmark_name], by_revision)
    ]
    return sorted(found, key=_largest_first)


def _largest_first(jump: Jump) -> tuple[float, str, Task, str]:
    """Return what jumps are sorted by; a halving is as large as a doubling."""
    return -max(jump.ratio, 1 / jump.ratio), jump.after.tag, jump.task, jump.metric


def _of_graph(
    graph: Any, benchmark: Mapping[str, Any], releases: Mapping[int, Release]
) -> Iterator[Jump]:
    size, device, threads = (
        str(graph.params.get(f"env-{name}", "unknown"))
        for name in ("KASV_SIZE", "KASV_DEVICE", "KASV_THREADS")
    )
    series = Series(str(graph.params.get("machine")), Setting(size, device, threads))
    model, _, metric = graph.benchmark_name.partition(".")
    for combination, levels in zip(_combinations(benchmark), graph.get_steps(), strict=True):
        task = Task(model, combination[0].strip("'\""))
        for older, newer in itertools.pairwise(levels):
            if _is_jump(older, newer):
                around = releases[older[1] - 1], releases[newer[0]]
                yield _jump(series, task, metric.rpartition(".")[2], around, older[2], newer[2])


def _combinations(benchmark: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    return itertools.product(*benchmark["params"])


def _is_jump(older: tuple[float, ...], newer: tuple[float, ...]) -> bool:
    """Tell whether asv's levels (left, right, value, least, error) really differ."""
    smallest = max(_SMALLEST * min(older[2], newer[2]), older[4], newer[4])
    return min(older[2], newer[2]) > 0 and abs(newer[2] - older[2]) > smallest


def _jump(
    series: Series,
    task: Task,
    metric: str,
    around: tuple[Release, Release],
    old: float,
    new: float,
) -> Jump:
    return Jump(series, task, metric, *around, old, new, new / old)


def places(jumps: Iterable[Jump]) -> list[Place]:
    """Gather the jumps between the same two releases; the order is that of their first ones."""
    found: dict[tuple[str, str], list[Jump]] = {}
    for jump in jumps:
        found.setdefault((jump.before.tag, jump.after.tag), []).append(jump)
    ends = [(of_place[0].before, of_place[0].after, of_place) for of_place in found.values()]
    return [Place(a, b, suspects(a, b), of_place) for a, b, of_place in ends]


def suspects(before: Release, after: Release) -> list[Suspect]:
    """Return what differs between two releases: the backend first, then Keras, Python, numpy."""
    changed = listing.changes(before, after)
    first = {after.backend: 0, "keras": 1, "python": 2, "numpy": 3}
    order = sorted(changed, key=lambda name: (first.get(name, 4), name))
    return [Suspect(name, *changed[name]) for name in order]
