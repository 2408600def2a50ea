"""How one release's figures relate to another's, row by row: what got better, what got worse.

Epochs' times are judged by their samples (`significance.py`). The other metrics have one value a
training: it counts as changed where it moves by more than the same release measured twice ever
does. Accuracy is the better the higher it is; everything else the better the lower.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from kasv import measurements, significance
from kasv.results import Figure
from kasv.significance import Effect, Locations

HEADLINE = "time_epoch"
ACCURACY = "track_accuracy"


class Metric(msgspec.Struct, frozen=True):
    """What a metric is called, in which unit, and which change of a single value means something.

    `tolerance` is relative; accuracy's is in accuracy itself (0.02: two percentage points).
    """

    title: str
    unit: str
    tolerance: float = 0.0
    is_one_time: bool = False  # one timed epoch: worth nothing beside a busy neighbour


# error is accuracy once more, and samples per second the epoch; neither has a row of its own.
METRICS = {
    HEADLINE: Metric("epoch", "seconds"),
    "track_epoch_with_validation": Metric("epoch with validation", "seconds", 0.25, True),
    "track_first_epoch": Metric("first epoch", "seconds", 0.5, True),
    ACCURACY: Metric("accuracy", "accuracy", 0.02),
    "track_loss": Metric("loss", "loss", 0.2),
    "track_peak_memory": Metric("peak memory", "bytes", 0.05),
    "track_gpu_peak_memory": Metric("GPU peak memory", "bytes", 0.05),
    "track_gpu_energy": Metric("GPU energy", "joules", 0.1),
}

Verdict = Literal["better", "worse", "same", "unsure", "fails", "fixed", "n/a", "not comparable"]
Key = tuple[str, str, str]  # model, data, metric
Figures = Mapping[Key, Figure]


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
    """Two releases under the same settings on one machine; `mean` is over the models' epochs."""

    before: str
    after: str
    machine: str
    variables: dict[str, str]
    rows: tuple[Row, ...]
    mean: Effect | None
    mean_models: int

    def regressions(self, threshold: float) -> list[Row]:
        """Return the rows that got worse by more than the threshold (0.05: 5 %)."""
        return [row for row in self.rows if row.regression > threshold]


def index(figures: Iterable[Figure]) -> dict[Key, Figure]:
    """Index the figures of one release, machine and setting, histories left out."""
    return {(f.model, f.data, f.metric): f for f in figures if f.epoch is None}


def rows(before: Figures, after: Figures, per_round: Mapping[str, int]) -> tuple[Row, ...]:
    """Compare two releases' figures; `per_round` gives each model's samples per process."""
    keys = sorted(
        {key for key in [*before, *after] if key[2] in METRICS},
        key=lambda key: (list(METRICS).index(key[2]), key),
    )
    timed = sum(_both(before.get(key), after.get(key)) for key in keys if key[2] == HEADLINE)
    alpha = significance.ALPHA / max(1, timed)
    return tuple(_row(key, before, after, per_round.get(key[0], 0), alpha) for key in keys)


def _both(a: Figure | None, b: Figure | None) -> bool:
    return None not in (a and a.value, b and b.value)


def _row(key: Key, before: Figures, after: Figures, per_round: int, alpha: float) -> Row:
    model, data, metric = key
    a, b = before.get(key), after.get(key)
    values = (a.value if a else None, b.value if b else None)
    row = Row(model, data, metric, a is not None, b is not None, *values, "n/a")
    if a is None or b is None:
        return row
    if a.version != b.version:
        return msgspec.structs.replace(row, verdict="not comparable")
    if a.value is None or b.value is None:
        return _judge_failure(row)
    if METRICS[metric].unit == "seconds":
        marks = [*_marks(key, before, "before"), *_marks(key, after, "after")]
        row = msgspec.structs.replace(row, notes=tuple(marks))
    return _judge_samples(row, a, b, per_round, alpha) if metric == HEADLINE else _judge_value(row)


def _judge_failure(row: Row) -> Row:
    if row.after is not None:
        return msgspec.structs.replace(row, verdict="fixed")
    newly = row.before is not None
    regression = math.inf if newly else 0.0
    return msgspec.structs.replace(row, verdict="fails", regression=regression)


def _marks(key: Key, figures: Figures, side: str) -> list[str]:
    """Say where a training's epochs spread too far, or others used its cores."""
    bounds = {
        "unstable": ("track_spread", measurements.UNSTABLE),
        "busy": ("track_other_load", measurements.BUSY),
    }
    marks = []
    for mark, (metric, bound) in bounds.items():
        figure = figures.get((key[0], key[1], metric))
        if figure is not None and figure.value is not None and figure.value > bound:
            marks.append(f"{mark} {side} ({figure.value:.0%})")
    return marks


def _judge_samples(row: Row, a: Figure, b: Figure, per_round: int, alpha: float) -> Row:
    """Judge epochs' times by their samples."""
    if _took_turns(a, b):
        effect = significance.effect_in_turns(a.samples, b.samples, alpha)
        rounds = len(a.samples) // significance.SAMPLES_IN_TURNS
    else:
        before, after = _locate(a, per_round), _locate(b, per_round)
        effect = significance.effect(before, after, alpha)
        rounds = min(len(before.logs), len(after.logs))
    verdict: Verdict = "same"
    # So few rounds do not know their machine's noise from themselves.
    if effect.is_significant and row.notes and rounds < significance.FEW_ROUNDS:
        verdict = "unsure"
    elif effect.is_significant:
        verdict = "worse" if effect.ratio > 1 else "better"
    notes = () if a.samples and b.samples else ("no samples",)
    return msgspec.structs.replace(
        row,
        verdict=verdict,
        effect=effect,
        regression=effect.ratio - 1 if verdict == "worse" else 0.0,
        notes=(*row.notes, *notes),
    )


def _took_turns(a: Figure, b: Figure) -> bool:
    """Tell whether two trainings ran at the same time, as those of `kasv interleave` do."""
    count = len(a.samples)
    if not count or count != len(b.samples) or count % significance.SAMPLES_IN_TURNS:
        return False
    spans = [_span(figure) for figure in (a, b)]
    return min(end for _, end in spans) > max(start for start, _ in spans)


def _span(figure: Figure) -> tuple[float, float]:
    """Return when a figure was measured: start and end in seconds since 1970; unknown is never."""
    if figure.started_at is None or figure.duration is None:
        return math.inf, -math.inf
    start = figure.started_at / 1000
    return start, start + figure.duration


def _locate(figure: Figure, per_round: int) -> Locations:
    if figure.samples:
        return significance.of_samples(figure.samples, per_round)
    value, stats = figure.value or math.nan, figure.stats
    if stats is None:
        return Locations((math.log(value),))
    return significance.of_quartiles(value, stats.q_25, stats.q_75)


def _judge_value(row: Row) -> Row:
    """Judge a single value by its metric's tolerance."""
    metric = METRICS[row.metric]
    a, b = row.before or 0.0, row.after or 0.0
    if metric.is_one_time and row.notes:
        return msgspec.structs.replace(row, verdict="unsure")
    if row.metric == ACCURACY:
        worsening, limit, regression = a - b, metric.tolerance, _growth(1 - a, 1 - b)
    else:
        worsening = regression = _growth(a, b)
        limit = metric.tolerance if worsening > 0 else metric.tolerance / (1 + metric.tolerance)
    if abs(worsening) <= limit:
        return msgspec.structs.replace(row, verdict="same")
    if worsening < 0:
        return msgspec.structs.replace(row, verdict="better")
    return msgspec.structs.replace(row, verdict="worse", regression=regression)


def _growth(a: float, b: float) -> float:
    """Return the relative growth from a to b."""
    if a == b:
        return 0.0
    return b / a - 1 if a > 0 else math.copysign(math.inf, b - a)


def mean(compared: Sequence[Row]) -> tuple[Effect | None, int]:
    """Return the geometric mean of the epochs' ratios, and over how many models it goes."""
    effects = [row.effect for row in compared if row.effect is not None]
    return (significance.geometric_mean(effects) if effects else None), len(effects)
