"""How one release's figures relate to another's, row by row: what got better, what got worse.

The time of a step decides; it and the time of an epoch are judged by their samples (`verdicts.py`).
The other metrics have one value a training: it counts as changed where it moves by more than the
same release measured twice ever does. Accuracy is the better the higher it is; everything else the
better the lower.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from kasv import measurements, significance, verdicts
from kasv.background import Background
from kasv.metrics import ACCURACY, CHANCE, COMPARED, EPOCH, METRICS, SAMPLED, STEP
from kasv.results import Figure
from kasv.significance import Effect
from kasv.verdicts import Judgement, Side

Verdict = significance.Verdict | Literal["fails", "fixed", "n/a", "not comparable"]
Key = tuple[str, str, str]  # model, data, metric
Figures = Mapping[Key, Figure]
Backgrounds = Mapping[str, Background | None]  # by metric

_ORDER = [metric.name for metric in COMPARED]


class Row(msgspec.Struct, frozen=True):
    """One metric of one model, before and after.

    `before` and `after` are the values; `has_*` tells a failure (None) from no result at all.
    `regression` is how much worse it got, relative (of accuracy: how much its error grew), infinite
    for a failure; 0 unless the verdict is `worse` or `fails`.
    """

    model: str
    data: str
    metric: str
    has_before: bool
    has_after: bool
    before: float | None
    after: float | None
    verdict: Verdict
    effect: Effect | None = None
    regression: float = 0.0
    notes: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True):
    """Two releases under the same settings on one machine; `mean` is over the models' steps."""

    before: str
    after: str
    machine: str
    variables: dict[str, str]
    rows: tuple[Row, ...]
    mean: Effect | None
    mean_verdict: Verdict
    mean_models: int

    def regressions(self, threshold: float) -> list[Row]:
        """Return the rows that got worse by more than the threshold (0.05: 5 %)."""
        return [row for row in self.rows if row.regression > threshold]


class _Sides(msgspec.Struct, frozen=True):
    """All that is known of two releases' metric of a model."""

    key: Key
    before: Figures
    after: Figures
    per_round: int
    backgrounds: Backgrounds
    alpha: float

    def judge(self) -> Judgement:
        """Judge the metric by its samples."""
        a, b = (self._side(figures) for figures in (self.before, self.after))
        return verdicts.judge(a, b, self.per_round, self.backgrounds.get(self.key[2]), self.alpha)

    def _side(self, figures: Figures) -> Side:
        epochs = figures.get((*self.key[:2], EPOCH))
        doubts = tuple(mark for mark, _ in _doubts(self.key, figures))
        return Side(figures[self.key], epochs, doubts)

    def has(self, metric: str) -> bool:
        """Tell whether both sides have a value of a metric, of the same version."""
        a, b = (figures.get((*self.key[:2], metric)) for figures in (self.before, self.after))
        return bool(a and b and a.value and b.value and a.version == b.version)


def index(figures: Iterable[Figure]) -> dict[Key, Figure]:
    """Index the figures of one release, machine and setting, histories left out."""
    return {(f.model, f.data, f.metric): f for f in figures if f.epoch is None}


def compare(
    tags: tuple[str, str],
    machine: str,
    variables: dict[str, str],
    figures: tuple[Figures, Figures],
    per_round: Mapping[str, int],
    backgrounds: Backgrounds,
) -> Comparison:
    """Compare two releases' figures; `per_round` gives each model's epochs per process."""
    found = _all_sides(*figures, per_round, backgrounds)
    made = tuple(_row(sides) for sides in found)
    judged = [s.judge() for s in found if s.key[2] == STEP and s.has(STEP)]
    mean = verdicts.mean(judged, backgrounds.get(STEP))
    effect, verdict = mean or (None, "n/a")
    return Comparison(*tags, machine, variables, made, effect, verdict, len(judged))


def _all_sides(
    before: Figures, after: Figures, per_round: Mapping[str, int], backgrounds: Backgrounds
) -> list[_Sides]:
    """Return what to compare, in the order of the table: by metric, then by model."""
    keys = sorted(
        {key for key in [*before, *after] if key[2] in _ORDER},
        key=lambda key: (_ORDER.index(key[2]), key),
    )
    models = Counter(key[2] for key in keys)
    return [
        _Sides(
            key,
            before,
            after,
            per_round.get(key[0], 0),
            backgrounds,
            significance.ALPHA / models[key[2]],
        )
        for key in keys
    ]


def _row(sides: _Sides) -> Row:
    model, data, metric = sides.key
    a, b = sides.before.get(sides.key), sides.after.get(sides.key)
    values = (a.value if a else None, b.value if b else None)
    row = Row(model, data, metric, a is not None, b is not None, *values, "n/a")
    if a is None or b is None:
        return row
    if a.version != b.version:
        return msgspec.structs.replace(row, verdict="not comparable")
    if a.value is None or b.value is None:
        return _judge_failure(row)
    if METRICS[metric].unit == "seconds" or metric == ACCURACY:
        row = msgspec.structs.replace(row, notes=_notes(sides))
    return _judge_samples(row, sides) if metric in SAMPLED else _judge_value(row)


def _judge_failure(row: Row) -> Row:
    if row.after is not None:
        return msgspec.structs.replace(row, verdict="fixed")
    newly = row.before is not None
    regression = math.inf if newly else 0.0
    return msgspec.structs.replace(row, verdict="fails", regression=regression)


def _notes(sides: _Sides) -> tuple[str, ...]:
    """Say what is doubtful of a time on either side, or that an accuracy is of chance."""
    notes = []
    for side, figures in (("before", sides.before), ("after", sides.after)):
        if sides.key[2] == ACCURACY:
            notes += [] if _learned(sides.key, figures) else [f"not learned {side}"]
        else:
            notes += [f"{mark} {side} ({share:.0%})" for mark, share in _doubts(sides.key, figures)]
    return tuple(notes)


def _learned(key: Key, figures: Figures) -> bool:
    found = {metric: figures.get((*key[:2], metric)) for metric in (ACCURACY, CHANCE)}
    return measurements.has_learned({m: f.value if f else None for m, f in found.items()})


def _doubts(key: Key, figures: Figures) -> list[tuple[str, float]]:
    """Return what makes a time doubtful, with the share that says so."""
    found = []
    for mark, (metric, bound) in measurements.DOUBTS.items():
        figure = figures.get((*key[:2], metric))
        applies = mark != measurements.WAITING or key[2] != STEP
        if applies and figure is not None and figure.value is not None and figure.value > bound:
            found.append((mark, figure.value))
    return found


def _judge_samples(row: Row, sides: _Sides) -> Row:
    """Judge a time by its samples."""
    judged = sides.judge()
    return msgspec.structs.replace(
        row,
        verdict=judged.verdict,
        effect=judged.effect,
        regression=judged.effect.ratio - 1 if judged.verdict == "worse" else 0.0,
        notes=(*row.notes, *judged.notes),
    )


def _judge_value(row: Row) -> Row:
    """Judge a single value by its metric's tolerance."""
    metric = METRICS[row.metric]
    a, b = row.before or 0.0, row.after or 0.0
    if metric.is_single_epoch and row.notes:
        return msgspec.structs.replace(row, verdict="cannot tell")
    if row.metric == ACCURACY:
        regression = _growth(1 - a, 1 - b)
        verdict = verdicts.of_accuracies(a, b)
    else:
        regression = _growth(a, b)
        verdict = verdicts.of_growth(regression, metric.tolerance or 0.0)
    worse = verdict == "worse"
    return msgspec.structs.replace(row, verdict=verdict, regression=regression if worse else 0.0)


def _growth(a: float, b: float) -> float:
    """Return the relative growth from a to b."""
    if a == b:
        return 0.0
    return b / a - 1 if a > 0 else math.copysign(math.inf, b - a)
