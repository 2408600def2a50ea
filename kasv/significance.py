"""Whether two releases' epochs differ, judged from few samples on a noisy machine.

Epochs of one training share its process's luck (memory layout, neighbours, the minute it ran in),
so that the unit of evidence is the round: one process. Each round gives one location, rounds of two
releases are compared in pairs, and the few rounds' own variance is moderated by what is known of
machines in general. docs/statistics.md derives this and names its sources.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec
from scipy import special  # type: ignore[import-untyped]

ALPHA = 0.005  # chance that comparing a release with itself reports any change at all
PLANTED = 0.05  # the slowdown that must be seen
ROUNDS = 5  # what sees it on the machine the results come from; perf/alarms.py shows that it does
UNSTABLE_SPREAD = 0.10  # a training's epochs that spread more (track_spread) are marked
BUSY_SHARE = 0.10  # a training beside others that used more of the machine is marked

# What one location of a round deviates by on a quiet machine, as if seen in so many rounds.
_PRIOR_DEVIATION = 0.015
_PRIOR_ROUNDS = 4

_POWER = 0.95  # of `detectable`: 19 of 20
_IQR_OF_NORMAL = 1.349  # the interquartile range of a normal distribution of deviation 1
_MOST_ROUNDS = 100


class Effect(msgspec.Struct, frozen=True):
    """How b's time relates to a's: the ratio b / a, and the interval that it lies in."""

    ratio: float
    low: float
    high: float

    @property
    def is_significant(self) -> bool:
        """Tell whether the interval leaves out 1, no change."""
        return not self.low <= 1 <= self.high


class Locations(msgspec.Struct, frozen=True):
    """The logarithm of each round's typical epoch, and what one of them is unsure of by itself."""

    logs: tuple[float, ...]
    uncertainty: float = 0.0


def of_samples(samples: Sequence[float], per_round: int) -> Locations:
    """Locate each round of `per_round` consecutive samples (seconds)."""
    logs = tuple(math.log(seconds) for seconds in locations(samples, per_round))
    return Locations(logs, _uncertainty(spread(samples), len(samples)) if len(logs) == 1 else 0.0)


def of_quartiles(median: float, q_25: float, q_75: float, count: int) -> Locations:
    """Locate what asv kept where samples were not recorded: one round, as far as one can know."""
    return Locations((math.log(median),), _uncertainty((q_75 - q_25) / median, count))


def effect(a: Locations, b: Locations, alpha: float) -> Effect:
    """Compare two releases; the interval misses the true ratio with probability alpha.

    Rounds pair up in the order in which they ran, so that a slow hour which both shared cancels.
    """
    if len(a.logs) == len(b.logs):
        differences = [y - x for x, y in zip(a.logs, b.logs, strict=True)]
        centre, own = statistics.fmean(differences), _squares(differences)
        freedom, rounds = len(differences) - 1, float(len(differences))
    else:
        centre = statistics.fmean(b.logs) - statistics.fmean(a.logs)
        own = 2 * (_squares(a.logs) + _squares(b.logs))
        freedom = len(a.logs) + len(b.logs) - 2
        rounds = 2 / (1 / len(a.logs) + 1 / len(b.logs))
    variance = (_PRIOR_ROUNDS * 2 * _PRIOR_DEVIATION**2 + own) / (_PRIOR_ROUNDS + freedom)
    variance = variance / rounds + a.uncertainty**2 + b.uncertainty**2
    half = quantile(_PRIOR_ROUNDS + freedom, 1 - alpha / 2) * math.sqrt(variance)
    return Effect(math.exp(centre), math.exp(centre - half), math.exp(centre + half))


def locations(samples: Sequence[float], per_round: int) -> list[float]:
    """Return each round's fastest epoch; samples that make up no whole rounds are one round.

    What disturbs an epoch makes it slower, never faster: of few epochs the fastest tells most.
    """
    if per_round < 1 or len(samples) % per_round:
        per_round = len(samples)
    return [min(samples[i : i + per_round]) for i in range(0, len(samples), per_round)]


def spread(samples: Sequence[float]) -> float:
    """Return the interquartile range relative to the median, 0 for a single sample."""
    if len(samples) < 2:
        return 0.0
    q_25, median, q_75 = statistics.quantiles(samples, method="inclusive")
    return (q_75 - q_25) / median


def geometric_mean(effects: Sequence[Effect]) -> Effect:
    """Combine the effects on several models; the interval speaks of these models, not of others."""
    logs = [math.log(one.ratio) for one in effects]
    halves = [math.log(one.high / one.ratio) for one in effects]
    centre, half = statistics.fmean(logs), math.hypot(*halves) / len(halves)
    return Effect(math.exp(centre), math.exp(centre - half), math.exp(centre + half))


def detectable(deviation: float, rounds: int, alpha: float = ALPHA) -> float:
    """Return the relative change that so many rounds a side report in 19 of 20 cases.

    `deviation` is that of the rounds' locations on the machine in question, relative.
    """
    freedom = _PRIOR_ROUNDS + rounds - 1
    own = (rounds - 1) * deviation**2
    moderated = (_PRIOR_ROUNDS * _PRIOR_DEVIATION**2 + own) / freedom
    decisive = quantile(freedom, 1 - alpha / 2) * math.sqrt(2 * moderated / rounds)
    beyond = statistics.NormalDist().inv_cdf(_POWER) * deviation * math.sqrt(2 / rounds)
    return math.expm1(decisive + beyond)


def rounds_for(change: float, deviation: float) -> int | None:
    """Return the least rounds a side that show such a change, None where even 100 do not."""
    enough = (n for n in range(1, _MOST_ROUNDS + 1) if detectable(deviation, n) <= change)
    return next(enough, None)


def quantile(freedom: float, probability: float) -> float:
    """Return the quantile of Student's t distribution."""
    return float(special.stdtrit(freedom, probability))


def _squares(values: Sequence[float]) -> float:
    """Return the sum of squared deviations from the mean."""
    centre = statistics.fmean(values)
    return sum((value - centre) ** 2 for value in values)


def _uncertainty(relative_spread: float, count: int) -> float:
    """Return the standard error of a round's location, by its samples' own spread."""
    return relative_spread / _IQR_OF_NORMAL / math.sqrt(count)
