"""Every metric of the suite: its name, title, unit, direction, and how its values are written.

A metric that is added to the suite is added here and nowhere else; `track_history`, a curve, is
the only one that is not a number a training.
"""

from typing import Literal

import msgspec

STEP = "track_step_time"  # ranks and decides
EPOCH = "time_epoch"  # what a user waits for
PUBLISHED_EPOCH = "track_published_epoch"  # computed
ACCURACY = "track_accuracy"
CHANCE = "track_chance_accuracy"

Form = Literal["ms", "s", "MB", "J", "%", "loss", "number", "deviation"]
_SCALES = {"ms": 1e3, "MB": 1e-6}
_SUFFIXES = {"ms": " ms", "s": " s", "MB": " MB", "J": " J"}


class Metric(msgspec.Struct, frozen=True):
    """What a metric is called, in which unit, and which change of it means something.

    `tolerance` is how far one value moves without meaning anything, relative (of accuracy: in
    accuracy itself, 0.02 is two percentage points); None leaves the metric out of comparisons.
    A sampled metric is judged by its samples instead.
    """

    name: str
    title: str
    unit: str  # asv's
    form: Form
    better: Literal["less", "more", ""] = "less"
    tolerance: float | None = None
    is_sampled: bool = False
    is_single_epoch: bool = False  # worth nothing beside a busy neighbour
    in_regressions: bool = False  # asv's page; asv.conf.json says so too
    has_change_points: bool = False


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            STEP,
            "step",
            "seconds",
            "ms",
            tolerance=0.0,
            is_sampled=True,
            in_regressions=True,
            has_change_points=True,
        ),
        Metric(EPOCH, "epoch", "seconds", "s", tolerance=0.0, is_sampled=True, in_regressions=True),
        Metric(
            "track_epoch_with_validation",
            "epoch with validation",
            "seconds",
            "s",
            tolerance=0.25,
            is_single_epoch=True,
        ),
        Metric(
            "track_first_epoch",
            "first epoch",
            "seconds",
            "s",
            tolerance=0.5,
            is_single_epoch=True,
            in_regressions=True,
            has_change_points=True,
        ),
        Metric(ACCURACY, "accuracy", "accuracy", "%", better="more", tolerance=0.02),
        Metric("track_loss", "loss", "loss", "loss", tolerance=0.2, has_change_points=True),
        Metric(
            "track_peak_memory",
            "peak memory",
            "bytes",
            "MB",
            tolerance=0.05,
            in_regressions=True,
            has_change_points=True,
        ),
        Metric(
            "track_gpu_peak_memory",
            "GPU peak memory",
            "bytes",
            "MB",
            tolerance=0.05,
            in_regressions=True,
            has_change_points=True,
        ),
        Metric("track_gpu_energy", "GPU energy", "joules", "J", tolerance=0.1),
        # The rest has no row in a comparison: it says the above differently, or qualifies it.
        Metric("track_step_cpu", "processor time of a step", "seconds", "ms"),
        Metric("track_epoch_overhead", "epoch without its steps", "seconds", "s"),
        Metric(PUBLISHED_EPOCH, "published epoch, computed", "seconds", "s"),
        Metric("track_samples_per_second", "samples a second", "samples/s", "number", "more"),
        Metric("track_error", "error", "error", "%", has_change_points=True),
        Metric(CHANCE, "accuracy by chance", "accuracy", "%", ""),
        Metric("track_spread", "spread of the steps", "relative", "%"),
        Metric("track_other_load", "load by others", "share", "%"),
        Metric("track_waiting", "share of an epoch spent waiting", "share", "%"),
        Metric("track_deviation", "deviation", "relative", "deviation"),
        Metric("track_optimizer_deviation", "optimizer's deviation", "relative", "deviation"),
        Metric("track_variant_deviation", "optimizer variant's deviation", "relative", "deviation"),
        Metric("track_reproducibility", "difference of two runs", "relative", "deviation"),
    )
}
COMPARED = [metric for metric in METRICS.values() if metric.tolerance is not None]
SAMPLED = frozenset(metric.name for metric in METRICS.values() if metric.is_sampled)


def number(value: float, metric: str) -> str:
    """Write a value in its metric's form, without a unit (but for percent)."""
    form = METRICS[metric].form
    if form == "%":
        return f"{value:.1%}"
    if form == "loss":
        return f"{value:.3f}"
    if form == "deviation":
        return f"{value:.1e}"
    return digits(value * _SCALES.get(form, 1.0))


def text(value: float, metric: str) -> str:
    """Write a value with its unit."""
    return number(value, metric) + _SUFFIXES.get(METRICS[metric].form, "")


def digits(value: float) -> str:
    """Write a number with three significant digits, and no exponent."""
    places = next((d for bound, d in ((0.1, 4), (1, 3), (10, 2), (100, 1)) if value < bound), 0)
    return f"{value:,.{places}f}"


def factor(ratio: float) -> str:
    """Write a factor as `3.1x`, without decimals from 100 on."""
    return f"{ratio:.1f}x" if ratio < 99.95 else f"{ratio:,.0f}x"


def change(ratio: float) -> str:
    """Write a ratio of new to old as `+5.0%`, from double on as `2.1x`."""
    return f"{ratio - 1:+.1%}" if ratio < 2 else factor(ratio)
