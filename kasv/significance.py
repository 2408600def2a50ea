"""Whether two releases' epochs differ, judged from few samples on a noisy machine.

Epochs of one training share its process's luck (memory layout, neighbours, the minute it ran in),
so that the unit of evidence is the round: one process. What disturbs an epoch makes it slower and
never faster: each round is located by its fastest. Rounds of two releases are compared in pairs,
and the few rounds' own variance is moderated by what is known of machines in general.
docs/statistics.md derives this and names its sources.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec
from scipy import special  # type: ignore[import-untyped]

ALPHA = 0.005  # chance that comparing a release with itself reports any change at all
PLANTED = 0.05  # the slowdown that must be seen
ROUNDS = 6  # of whole processes, what sees it where they deviate by 1.5 % (perf/power.py)
TRAININGS_IN_TURNS = 2  # of each side in a round of `kasv interleave`: each begins once
EPOCHS_IN_TURNS = 8  # of each of those trainings; asv's files do not tell it
SAMPLES_IN_TURNS = TRAININGS_IN_TURNS * EPOCHS_IN_TURNS  # of each side in a round
FEW_ROUNDS = 3  # with fewer, a training marked unstable or busy proves nothing

# What is known of rounds' locations before any is seen: they deviate by 1.5 % on a quiet machine
# and by 0.7 of what epochs do within a round on a noisy one; it weighs as much as 6 rounds' own.
_PRIOR_DEVIATION = 0.015
_PRIOR_SHARE_OF_EPOCHS = 0.7
_PRIOR_ROUNDS = 6

_POWER = 0.95  # of `detectable`: 19 of 20
_VARIANCE_OF_MEDIAN = math.pi / 2  # of a normal distribution, relative to the mean's
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
    """The logarithm of each round's fastest epoch, and how far epochs deviate within a round."""

    logs: tuple[float, ...]
    deviation: float = 0.0


def of_samples(samples: Sequence[float], per_round: int) -> Locations:
    """Locate each round of `per_round` consecutive samples (seconds)."""
    rounds = split(samples, per_round)
    deviation = statistics.median(spread(epochs) for epochs in rounds) / _IQR_OF_NORMAL
    return Locations(tuple(math.log(min(epochs)) for epochs in rounds), deviation)


def of_quartiles(median: float, q_25: float, q_75: float) -> Locations:
    """Locate what asv kept where samples were not recorded: one round, as far as one can know."""
    return Locations((math.log(median),), (q_75 - q_25) / median / _IQR_OF_NORMAL)


def effect(a: Locations, b: Locations, alpha: float) -> Effect:
    """Compare two releases; the interval misses the true ratio with probability alpha.

    Rounds pair up in the order in which they ran, so that a slow hour which both shared cancels.
    """
    if len(a.logs) == len(b.logs):
        differences = [y - x for x, y in zip(a.logs, b.logs, strict=True)]
        squares, freedom = _squares(differences), len(differences) - 1
    else:
        squares = 2 * (_squares(a.logs) + _squares(b.logs))
        freedom = len(a.logs) + len(b.logs) - 2
    centre = statistics.fmean(b.logs) - statistics.fmean(a.logs)
    deviation = _PRIOR_SHARE_OF_EPOCHS * statistics.fmean([a.deviation, b.deviation])
    prior = 2 * max(_PRIOR_DEVIATION, deviation) ** 2
    pairs = 2 / (1 / len(a.logs) + 1 / len(b.logs))
    return _moderated(centre, squares, freedom, prior, pairs, alpha)


def effect_in_turns(a: Sequence[float], b: Sequence[float], alpha: float) -> Effect:
    """Compare epochs of two releases that took turns: those at the same place ran side by side.

    A training's pairs of epochs are spoken for by their median; a round, by its trainings' mean.
    """
    pairs = split([math.log(y / x) for x, y in zip(a, b, strict=True)], EPOCHS_IN_TURNS)
    medians = [statistics.median(epochs) for epochs in pairs]
    differences = [statistics.fmean(one) for one in split(medians, TRAININGS_IN_TURNS)]
    between = statistics.median(_quartile_range(epochs) for epochs in pairs) / _IQR_OF_NORMAL
    of_median = _VARIANCE_OF_MEDIAN * between**2 / EPOCHS_IN_TURNS
    prior = max(2 * _PRIOR_DEVIATION**2, of_median) / TRAININGS_IN_TURNS
    count, squares = len(differences), _squares(differences)
    return _moderated(statistics.fmean(differences), squares, count - 1, prior, count, alpha)


def _moderated(
    centre: float, squares: float, freedom: int, prior: float, pairs: float, alpha: float
) -> Effect:
    """Return the interval around a mean of logarithms, from a variance that the prior moderates."""
    variance = (_PRIOR_ROUNDS * prior + squares) / (_PRIOR_ROUNDS + freedom)  # of a difference
    half = quantile(_PRIOR_ROUNDS + freedom, 1 - alpha / 2) * math.sqrt(variance / pairs)
    return Effect(math.exp(centre), math.exp(centre - half), math.exp(centre + half))


def split(samples: Sequence[float], per_round: int) -> list[Sequence[float]]:
    """Split samples into rounds; those that make up no whole rounds are one round."""
    if per_round < 1 or len(samples) % per_round:
        per_round = len(samples)
    return [samples[i : i + per_round] for i in range(0, len(samples), per_round)]


def spread(samples: Sequence[float]) -> float:
    """Return the interquartile range relative to the median, 0 for a single sample."""
    return _quartile_range(samples) / statistics.median(samples)


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


def _quartile_range(values: Sequence[float]) -> float:
    """Return the interquartile range, 0 of a single value."""
    if len(values) < 2:
        return 0.0
    q_25, _, q_75 = statistics.quantiles(values, method="inclusive")
    return q_75 - q_25


def _squares(values: Sequence[float]) -> float:
    """Return the sum of squared deviations from the mean."""
    centre = statistics.fmean(values)
    return sum((value - centre) ** 2 for value in values)
