"""The convergence pages: accuracy or loss by epoch and by time, all backends in one picture."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from kasv.leaderboard import Board, boards
from kasv.measurements import Measurements, Series, Task, Training, Trainings
from kasv.metrics import EPOCH
from kasv.pages import chart
from kasv.pages.addresses import Graphs
from kasv.pages.site import Site, slug
from kasv.releases import Release


class _Curve(NamedTuple):
    """A release's training: its history, and when each epoch ended, in seconds of training."""

    release: Release
    history: dict[int, float]
    seconds: dict[int, float]


class _Picture(NamedTuple):
    """The curves of those that learned, and the releases that did not."""

    task: Task
    unit: str
    curves: list[_Curve]
    not_learned: list[Release]
    epochs: list[int]
    by_epoch: chart.Chart | None
    by_time: chart.Chart | None


def write(
    site: Site, measurements: Measurements, releases: list[Release], graphs: Graphs, today: date
) -> None:
    """Write a page for each series, with the newest release of each backend."""
    series = [
        (Series(machine, board.setting), board, index)
        for board in boards(measurements, releases, today)
        for index, machine in enumerate(board.machines)
    ]
    names = _page_names([one for one, _, _ in series])
    for one, board, index in series:
        site.write(
            names[one],
            "convergence.html",
            series=one,
            links=[(name, other) for other, name in names.items()],
            pictures=list(_pictures(board, index, measurements[one], graphs)),
            graph=graphs.address,
        )
    if not series:
        site.write("convergence.html", "empty.html")


def _page_names(series: Iterable[Series]) -> dict[Series, str]:
    """Name each series' page; a number tells apart those whose words give the same name."""
    names: dict[Series, str] = {}
    for number, one in enumerate(series):
        words = slug("convergence", one.machine, *one.setting)
        taken = f"{words}.html" in names.values()
        names[one] = f"{words}-{number}.html" if taken else f"{words}.html"
        if number == 0:
            names[one] = "convergence.html"
    return names


def _pictures(
    board: Board, machine: int, commits: Mapping[str, Trainings], graphs: Graphs
) -> Iterable[_Picture]:
    for table in board.tables:
        newest = [cells[machine].release for cells in table.rows.values()]
        found = [
            (release, training)
            for release in newest
            if release and (training := commits.get(release.commit, {}).get(table.task))
            if training.history
        ]
        curves = [_curve(release, training) for release, training in found if training.has_learned]
        others = [release for release, training in found if not training.has_learned]
        if found:
            yield _picture(table.task, graphs, curves, others)


def _curve(release: Release, training: Training) -> _Curve:
    history = dict(sorted(training.history.items()))
    first, steady = training.seconds("track_first_epoch"), training.seconds(EPOCH)
    seconds = {e: first + (e - 1) * steady for e in history} if first and steady else {}
    return _Curve(release, history, seconds)


def _picture(
    task: Task, graphs: Graphs, curves: list[_Curve], not_learned: list[Release]
) -> _Picture:
    unit = graphs.units.get((task.model, "track_history")) or "value"
    by_epoch = [chart.Line(c.release.backend, list(c.history.items())) for c in curves]
    by_time = [
        chart.Line(c.release.backend, [(c.seconds[e], value) for e, value in c.history.items()])
        for c in curves
        if c.seconds
    ]
    return _Picture(
        task,
        unit,
        curves,
        not_learned,
        sorted({epoch for curve in curves for epoch in curve.history}),
        _draw(by_epoch, "epoch", unit, by_time=False),
        _draw(by_time, "seconds of training", unit, by_time=True),
    )


def _draw(lines: list[chart.Line], x: str, unit: str, *, by_time: bool) -> chart.Chart | None:
    if not lines:
        return None
    return chart.draw(lines, x, unit, percent=unit == "accuracy", by_time=by_time)
