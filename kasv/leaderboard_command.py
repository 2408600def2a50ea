"""The command `kasv leaderboard`: the day's leaderboards in a terminal."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kasv.files import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kasv.leaderboard import Board, Cell, Mean, Table


@click.command()
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The newest releases of this day instead of today's, for example 2018-12-31.",
)
@click.option("--model", help="Only this model, for example mnist_mlp.")
@click.option(
    "--results",
    "results_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="results",
    show_default=True,
    help="The folder that asv writes to.",
)
def leaderboard(day: datetime | None, model: str | None, results_dir: Path) -> None:
    """Tell which backend is fastest: times and accuracy, backends by machine.

    The time of a step ranks. Beside it stand an epoch's, which is what a user waits for, and that
    of an epoch of the published data set, computed from the step's.
    """
    from kasv import releases, results
    from kasv.leaderboard import boards
    from kasv.measurements import collect

    chosen = day.date() if day else datetime.now(UTC).date()
    made = boards(collect(results.load(results_dir)), releases.load(), chosen)
    if model:
        made = [board._replace(tables=_of_model(board, model)) for board in made]
    if not any(board.tables for board in made):
        raise click.ClickException(_nothing(chosen, model, results_dir))
    click.echo("\n\n".join(_board_text(board, model) for board in made if board.tables))


def _of_model(board: "Board", model: str) -> "list[Table]":
    return [table for table in board.tables if table.task.model == model]


def _nothing(day: date, model: str | None, results_dir: Path) -> str:
    of_model = f" of {model}" if model else ""
    return f"no results{of_model} of releases up to {day} in {results_dir}: `asv run` makes some"


def _board_text(board: "Board", model: str | None) -> str:
    blocks = [f"{board.setting}, newest releases on {board.day}"]
    blocks += [_table_text(board, table) for table in board.tables]
    if not model:
        blocks.append(_means_text(board))
    cells = [c for table in board.tables for row in table.rows.values() for c in row]
    found = {mark for cell in cells for mark in (*cell.marks, *cell.epoch_marks)}
    if found:
        blocks.append(_legend(found))
    return "\n\n".join(blocks)


def _legend(found: set[str]) -> str:
    from kasv.measurements import MARKS

    return "\n".join(f"{m.sign} {m.meaning}" for name, m in MARKS.items() if name in found)


def _table_text(board: "Board", table: "Table") -> str:
    from kasv.leaderboard import common_release

    quality = table.metric.removeprefix("track_")
    titles = ("ms/step", "s/epoch", "published (computed)", quality)
    headers = ["", *(f"{machine}\n{title}" for title in titles for machine in _machines(board))]
    rows = []
    for backend, cells in table.rows.items():
        common = common_release(board.newest[backend])
        steps = [_step(cell, with_tag=common is None) for cell in cells]
        epochs = [f(cell) for f in (_epoch, _published_epoch) for cell in cells]
        qualities = [_quality(cell, table.metric) for cell in cells]
        rows.append([common.tag if common else backend, *steps, *epochs, *qualities])
    return f"{click.style(str(table.task), bold=True)}\n{_tabulate(rows, headers)}"


def _step(cell: "Cell", *, with_tag: bool) -> str:
    """Write a cell as `2.31 (3.1x)`, the fastest in bold, or why it is empty."""
    from kasv import metrics

    if cell.step is None:
        return cell.reason
    factor = f" ({metrics.factor(cell.factor) if cell.factor else cell.reason})"
    step = metrics.number(cell.step, metrics.STEP) + ("" if cell.is_best else factor)
    text = click.style(step + _signs(cell.marks), bold=cell.is_best)
    return f"{text} {cell.release.tag}" if with_tag and cell.release else text


def _epoch(cell: "Cell") -> str:
    from kasv import metrics

    if cell.epoch is None:
        return ""
    return metrics.number(cell.epoch, metrics.EPOCH) + _signs(cell.epoch_marks)


def _published_epoch(cell: "Cell") -> str:
    from kasv import metrics

    if cell.published_epoch is None:
        return ""
    return metrics.number(cell.published_epoch, metrics.PUBLISHED_EPOCH)


def _quality(cell: "Cell", metric: str) -> str:
    from kasv import metrics

    return cell.quality_reason if cell.quality is None else metrics.number(cell.quality, metric)


def _signs(marks: "Iterable[str]") -> str:
    from kasv.measurements import MARKS

    return "".join(MARKS[mark].sign for mark in marks)


def _means_text(board: "Board") -> str:
    headers = ["", *_machines(board)]
    rows = [[backend, *(_mean(mean) for mean in row)] for backend, row in board.means.items()]
    title = click.style("geometric mean of the factors (least to largest, tasks)", bold=True)
    return f"{title}\n{_tabulate(rows, headers)}"


def _mean(mean: "Mean | None") -> str:
    from kasv.metrics import factor

    if mean is None:
        return "not measured"
    value = click.style(factor(mean.value), bold=mean.is_best)
    spread = f"{factor(mean.least)} to {factor(mean.largest)}, {mean.tasks}"
    return f"{value} ({spread})"


def _machines(board: "Board") -> list[str]:
    """Return the machines' names without what a terminal would obey."""
    return [printable(name) for name in board.machines]


def _tabulate(rows: list[list[str]], headers: list[str]) -> str:
    from tabulate import tabulate

    return tabulate(rows, headers, disable_numparse=True)
