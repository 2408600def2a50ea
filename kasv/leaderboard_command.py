"""The command `kasv leaderboard`: the day's leaderboards in a terminal."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kasv.files import printable

if TYPE_CHECKING:
    from kasv.leaderboard import Board, Cell, Mean, Table

_MARKS = "~ the epochs' times differ by more than {:.0%}   ! others used its cores meanwhile"


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
    """Tell which backend is fastest: seconds per epoch and accuracy, backends by machine."""
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
    from kasv.measurements import UNSTABLE

    blocks = [f"{board.setting}, newest releases on {board.day}"]
    blocks += [_table_text(board, table) for table in board.tables]
    if not model:
        blocks.append(_means_text(board))
    cells = [c for table in board.tables for row in table.rows.values() for c in row]
    if any(cell.is_unstable or cell.is_disturbed for cell in cells):
        blocks.append(_MARKS.format(UNSTABLE))
    return "\n\n".join(blocks)


def _table_text(board: "Board", table: "Table") -> str:
    from kasv.leaderboard import common_release

    machines = _machines(board)
    headers = ["", *(f"{machine}: s/epoch" for machine in machines)]
    headers += [f"{machine}: {table.metric.removeprefix('track_')}" for machine in machines]
    rows = []
    for backend, cells in table.rows.items():
        common = common_release(board.newest[backend])
        times = [_time(cell, with_tag=common is None) for cell in cells]
        rows.append([common.tag if common else backend, *times, *_qualities(cells, table.metric)])
    return f"{click.style(str(table.task), bold=True)}\n{_tabulate(rows, headers)}"


def _qualities(cells: "list[Cell]", metric: str) -> list[str]:
    from kasv.leaderboard import quality_text

    return [c.reason if c.quality is None else quality_text(c.quality, metric) for c in cells]


def _time(cell: "Cell", *, with_tag: bool) -> str:
    """Write a cell as `2.31 (3.1x)`, the fastest in bold, or why it is empty."""
    from kasv.leaderboard import factor_text, seconds_text

    if cell.seconds is None:
        return cell.reason
    marks = ("~" if cell.is_unstable else "") + ("!" if cell.is_disturbed else "")
    factor = f" ({factor_text(cell.factor) if cell.factor else cell.reason})"
    factor = "" if cell.is_best else factor
    text = click.style(seconds_text(cell.seconds) + factor + marks, bold=cell.is_best)
    return f"{text} {cell.release.tag}" if with_tag and cell.release else text


def _means_text(board: "Board") -> str:
    headers = ["", *_machines(board)]
    rows = [[backend, *(_mean(mean) for mean in row)] for backend, row in board.means.items()]
    title = click.style("geometric mean of the factors (least to largest, tasks)", bold=True)
    return f"{title}\n{_tabulate(rows, headers)}"


def _mean(mean: "Mean | None") -> str:
    from kasv.leaderboard import factor_text

    if mean is None:
        return "not measured"
    value = click.style(factor_text(mean.value), bold=mean.is_best)
    spread = f"{factor_text(mean.least)} to {factor_text(mean.largest)}, {mean.tasks}"
    return f"{value} ({spread})"


def _machines(board: "Board") -> list[str]:
    """Return the machines' names without what a terminal would obey."""
    return [printable(name) for name in board.machines]


def _tabulate(rows: list[list[str]], headers: list[str]) -> str:
    from tabulate import tabulate

    return tabulate(rows, headers, disable_numparse=True)
