"""Line charts as figures for a template that draws SVG: where everything lies, in its units.

Kept libraries were tried first. Sixteen such charts take matplotlib 5 s (and 6 s to import), pygal
0.5 s (and 0.4 s to import), where `asv publish` needs 2 s for everything; and neither draws under a
policy without inline styles, in the reader's colours.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 114, 12, 42
_LABEL_HEIGHT = 16
# From this ratio on between the longest and the shortest time, a linear axis would hide the short.
_WIDE = 8


class Line(NamedTuple):
    """A backend's values, in the order of x."""

    backend: str
    points: list[tuple[float, float]]


class Tick(NamedTuple):
    """A place on an axis and what stands there."""

    at: float
    text: str


class Drawn(NamedTuple):
    """A line as drawn; its label stands at `label_y`, beside the last of its dots."""

    backend: str
    path: str
    dots: list[tuple[float, float]]
    label_y: float


class Chart(NamedTuple):
    """A chart as drawn."""

    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Drawn]
    x_label: str
    y_label: str
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


class _Axis:
    """Maps values to places: linear, or logarithmic where asked for."""

    def __init__(self, low: float, high: float, start: int, end: int, *, log: bool) -> None:
        self._change = math.log10 if log else float
        self._low, self._high = self._change(low), self._change(high)
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        share = (self._change(value) - self._low) / ((self._high - self._low) or 1)
        return round(self._start + share * (self._end - self._start), 1)


def draw(
    lines: Sequence[Line], x_label: str, y_label: str, *, percent: bool, by_time: bool
) -> Chart:
    """Lay a chart out; `by_time` says that x is seconds, which may need a logarithmic axis."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    ends = [line.points[-1][0] for line in lines]
    log = by_time and min(xs) > 0 and max(ends) / min(ends) > _WIDE
    x_ticks = (
        log_ticks(min(xs), max(xs))
        if log
        else ticks(0 if by_time else min(xs), max(xs), whole=not by_time)
    )
    y_ticks = ticks(min(ys), max(ys), whole=False)
    x_low, x_high = min(x_ticks[0], min(xs)), max(x_ticks[-1], max(xs))
    x = _Axis(x_low, x_high, _LEFT, WIDTH - _RIGHT, log=log)
    y = _Axis(y_ticks[0], y_ticks[-1], HEIGHT - _BOTTOM, _TOP, log=False)
    drawn = [(line, [(x.at(a), y.at(b)) for a, b in line.points]) for line in lines]
    labels = apart([dots[-1][1] for _, dots in drawn])
    return Chart(
        [Tick(x.at(value), _number(value)) for value in x_ticks],
        [
            Tick(y.at(value), f"{value:.4g}" if not percent else f"{100 * value:.4g}%")
            for value in y_ticks
        ],
        [
            Drawn(line.backend, " ".join(f"{a:g},{b:g}" for a, b in dots), dots, label)
            for (line, dots), label in zip(drawn, labels, strict=True)
        ],
        f"{x_label}, logarithmic" if log else x_label,
        y_label,
    )


def _number(value: float) -> str:
    return f"{value:,.10g}"


def ticks(low: float, high: float, *, whole: bool) -> list[float]:
    """Return about six round numbers that enclose a range."""
    span = (high - low) or abs(high) or 1.0
    step = next(s for s in _steps(span) if span / s <= 6 and (s >= 1 or not whole))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if whole:
        return [low] + [n * step for n in range(first + 1, last + 1) if low < n * step <= high]
    return [round(n * step, 12) for n in range(first, max(last, first + 1) + 1)]


def _steps(span: float) -> Iterable[float]:
    """Yield 1, 2, 5, 10, ... times a power of ten below the span."""
    power = 10.0 ** math.floor(math.log10(span) - 1)
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def log_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10, ... in a range, or powers of ten only where those are many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    multiples = (1, 2, 5) if len(decades) <= 4 else (1,)
    found = [m * 10.0**d for d in decades for m in multiples]
    inside = [value for value in found if low <= value <= high]
    return inside or [low]


def apart(places: Sequence[float]) -> list[float]:
    """Move labels up and down until none covers another, and all are within the chart."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for _ in range(len(places) * 8):
        for upper, lower in itertools.pairwise(order):
            overlap = _LABEL_HEIGHT - (moved[lower] - moved[upper])
            if overlap > 0.01:
                moved[upper] -= overlap / 2
                moved[lower] += overlap / 2
    excess = max(0.0, max(moved, default=0) - (HEIGHT - _BOTTOM)) - max(
        0.0, _TOP - min(moved, default=_TOP)
    )
    return [round(place - excess, 1) for place in moved]
