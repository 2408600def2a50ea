"""`kasv compare`'s answer as a terminal's table, as Markdown for a pull request, or as JSON."""

import html
from collections import Counter
from collections.abc import Sequence

import msgspec
from tabulate import tabulate

from kasv import metrics
from kasv.compare import Comparison, Row
from kasv.files import printable
from kasv.metrics import ACCURACY, METRICS, STEP
from kasv.significance import Effect

_WIDE = 5  # an interval as wide as this to either side says nothing
_HEADERS = ("model", "metric", "before", "after", "change", "interval", "verdict", "notes")


def as_text(comparisons: Sequence[Comparison], threshold: float) -> str:
    """Return tables for a terminal."""
    parts = []
    for one in comparisons:
        table = tabulate(_cells(one), _HEADERS, disable_numparse=True)
        parts += [printable(_title(one)), table, _conclusion(one, threshold)]
    return "\n\n".join(parts)


def as_markdown(comparisons: Sequence[Comparison], threshold: float) -> str:
    """Return tables for a pull request; what others wrote into results stays text there."""
    parts = []
    for one in comparisons:
        cells = [[_bold(cell) for cell in row] for row in _cells(one)]
        table = tabulate(cells, _HEADERS, tablefmt="github", disable_numparse=True)
        parts += [f"### {_escaped(_title(one))}", table, _conclusion(one, threshold)]
    return "\n\n".join(parts)


def as_json(comparisons: Sequence[Comparison], threshold: float) -> str:
    """Return everything as JSON; an infinite regression, a failure, is null there."""
    content = [
        {**msgspec.to_builtins(one), "regressions": len(one.regressions(threshold))}
        for one in comparisons
    ]
    return msgspec.json.format(msgspec.json.encode(content), indent=1).decode()


def _title(one: Comparison) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in sorted(one.variables.items()))
    return f"{one.before} -> {one.after} on {one.machine} ({settings})"


def _cells(one: Comparison) -> list[list[str]]:
    cells = [_row(row) for row in one.rows]
    if one.mean is not None:
        change, interval = metrics.change(one.mean.ratio), _interval(one.mean)
        name = f"geometric mean of {one.mean_models}"
        title = METRICS[STEP].title
        cells.append([name, title, "", "", change, interval, one.mean_verdict, ""])
    return cells


def _row(row: Row) -> list[str]:
    model = row.model if row.data == "real" else f"{row.model} ({row.data} data)"
    return [
        model,
        METRICS[row.metric].title,
        _value(row, "before", row.has_before, row.before),
        _value(row, "after", row.has_after, row.after),
        _difference(row),
        _interval(row.effect) if row.effect else "",
        row.verdict,
        ", ".join(row.notes),
    ]


def _value(row: Row, side: str, exists: bool, value: float | None) -> str:
    if value is None:
        return "fails" if exists else "n/a"
    return "" if _is_of_chance(row, side) else metrics.text(value, row.metric)


def _is_of_chance(row: Row, *sides: str) -> bool:
    return any(f"not learned {side}" in row.notes for side in sides)


def _difference(row: Row) -> str:
    if row.before is None or row.after is None or _is_of_chance(row, "before", "after"):
        return ""
    if row.effect is not None:
        return metrics.change(row.effect.ratio)
    if row.metric == ACCURACY:
        return f"{100 * (row.after - row.before):+.1f} points"
    return metrics.change(row.after / row.before) if row.before else ""


def _interval(effect: Effect) -> str:
    if effect.high > _WIDE * effect.ratio:
        return f"over {_WIDE}x either way"
    return f"{metrics.change(effect.low)} to {metrics.change(effect.high)}"


def _conclusion(one: Comparison, threshold: float) -> str:
    counts = Counter(row.verdict for row in one.rows)
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    count = len(one.regressions(threshold))
    plural = "" if count == 1 else "s"
    return f"{summary}. {count} regression{plural} beyond {100 * threshold:g} %."


def _bold(cell: str) -> str:
    return f"**{cell}**" if cell in ("worse", "fails", "better", "fixed") else cell


def _escaped(text: str) -> str:
    """Escape HTML and what Markdown would take for markup."""
    escaped = html.escape(printable(text))
    return "".join(f"\\{c}" if c in "\\`*_[]|#" else c for c in escaped)
