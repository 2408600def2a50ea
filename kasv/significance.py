"""Whether two releases' times differ, judged from few samples on a noisy machine.

Samples of one training share its process's luck (memory layout, neighbours, the minute it ran in),
so that the unit of evidence is the round: one process, located by the median of its samples. Rounds
of two releases are compared in pairs, and the few rounds' own variance is moderated by what is
known of the machine's history or of machines in general. docs/statistics.md derives this and names
its sources.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec
from scipy import special  # type: ignore[import-untyped]

ALPHA = 0.005  # chance that comparing a release with itself reports any change at all
MARGIN = 0.03  # what is the same lies within this of no change
PLANTED = 0.05  # the slowdown that must be seen
ROUNDS = 10  # of whole processes, what sees it where they deviate by 1 % (perf/power.py)
TRAININGS_IN_TURNS = 2  # of each side in a round of `kasv interleave`: each begins once
EPOCHS_IN_TURNS = 8  # of each of those trainings; asv's files do not tell it
SAMPLES_IN_TURNS = TRAININGS_IN_TURNS * EPOCHS_IN_TURNS  # epochs of each side in a round
FEW_ROUNDS = 3  # with fewer, a training marked unstable or contended proves nothing

_PRIOR_SHARE_OF_SAMPLES = 0.7  # rounds deviate by this of what samples do within a round
_POWER = statistics.NormalDist().inv_cdf(0.95)  # what should be seen is, in 19 of 20 cases
_VARIANCE_OF_MEDIAN = math.pi / 2  # of a normal distribution, relative to the mean's
_IQR_OF_NORMAL = 1.349  # the interquartile range of a normal distribution of deviation 1
_MOST_ROUNDS = 100

Verdict = Literal["better", "worse", "same", "cannot tell"]


class Prior(msgspec.Struct, frozen=True):
    """What is known before any round is seen: the deviation of a pair's difference.

    It weighs as much as that many rounds' own evidence.
    """

    deviation: float
    weight: float


# docs/statistics.md's table: single processes differ by 6 to 11 %, rounds in turns by 0.7 % in the
# median where the other core idles, by 2 % where it works.
OF_ROUNDS = Prior(0.04 * math.sqrt(2), 2)
IN_TURNS = Prior(0.02, 6)
# What an hour does to all models of a sitting where no history tells: the history of the first
# machine measured has 4.8 %.
OF_SITTINGS = Prior(0.05, 6)


class Effect(msgspec.Struct, frozen=True):
    """How b's time relates to a's: the ratio b / a, and the interval that it lies in."""

    ratio: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """Tell what the interval proves: a change where it leaves out 1, else the same or not."""
        if not self.low <= 1 <= self.high:
            return "worse" if self.ratio > 1 else "better"
        within = self.low >= 1 / (1 + MARGIN) and self.high <= 1 + MARGIN
        return "same" if within else "cannot tell"

    @property
    def is_significant(self) -> bool:
        """Tell whether the interval leaves out 1, no change."""
        return self.verdict in ("better", "worse")

    def widened(self, half: float) -> "Effect":
        """Return the effect with one more independent source of error, in logarithms."""
        own = math.log(self.high / self.ratio)
        return _effect(math.log(self.ratio), math.hypot(own, half))


class Rounds(msgspec.Struct, frozen=True):
    """The logarithm of each round's median, and how far samples deviate within a round."""

    logs: tuple[float, ...]
    deviation: float = 0.0


def of_samples(samples: Sequence[float], per_round: int) -> Rounds:
    """Locate each round of `per_round` consecutive samples (seconds)."""
    rounds = split(samples, per_round)
    deviation = statistics.median(spread(samples) for samples in rounds) / _IQR_OF_NORMAL
    return Rounds(tuple(math.log(statistics.median(one)) for one in rounds), deviation)


def of_quartiles(median: float, q_25: float, q_75: float) -> Rounds:
    """Locate what asv kept where samples were not recorded: one round, as far as one can know."""
    return Rounds((math.log(median),), (q_75 - q_25) / median / _IQR_OF_NORMAL)


def effect(a: Rounds, b: Rounds, alpha: float, prior: Prior = OF_ROUNDS) -> Effect:
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
    samples = _PRIOR_SHARE_OF_SAMPLES * statistics.fmean([a.deviation, b.deviation])
    known = Prior(max(prior.deviation, math.sqrt(2) * samples), prior.weight)
    pairs = 2 / (1 / len(a.logs) + 1 / len(b.logs))
    return _moderated(centre, squares, freedom, known, pairs, alpha)


def effect_of_one(ratio: float, prior: Prior, alpha: float) -> Effect:
    """Judge the ratio of two single measurements by what is known before."""
    return _moderated(math.log(ratio), 0.0, 0, prior, 1, alpha)


def effect_in_turns(
    a: Sequence[float], b: Sequence[float], blocks: int, alpha: float, prior: Prior = IN_TURNS
) -> Effect:
    """Compare samples of two releases that took turns: those at the same place ran side by side.

    Each epoch has so many blocks, a sample each. A training's pairs are spoken for by their median;
    a round, by its trainings' mean.
    """
    logs = [math.log(y / x) for x, y in zip(a, b, strict=True)]
    pairs = split(logs, EPOCHS_IN_TURNS * blocks)
    medians = [statistics.median(one) for one in pairs]
    differences = [statistics.fmean(one) for one in split(medians, TRAININGS_IN_TURNS)]
    between = statistics.median(_quartile_range(one) for one in pairs) / _IQR_OF_NORMAL
    of_median = _VARIANCE_OF_MEDIAN * between**2 / EPOCHS_IN_TURNS / TRAININGS_IN_TURNS
    known = Prior(max(prior.deviation, math.sqrt(of_median)), prior.weight)
    count, squares = len(differences), _squares(differences)
    return _moderated(statistics.fmean(differences), squares, count - 1, known, count, alpha)


def _moderated(
    centre: float, squares: float, freedom: int, prior: Prior, pairs: float, alpha: float
) -> Effect:
    """Return the interval around a mean of logarithms, from a variance that the prior moderates."""
    known = prior.weight + freedom
    variance = (prior.weight * prior.deviation**2 + squares) / known  # of a difference
    return _effect(centre, quantile(known, 1 - alpha / 2) * math.sqrt(variance / pairs))


def _effect(centre: float, half: float) -> Effect:
    return Effect(math.exp(centre), math.exp(centre - half), math.exp(centre + half))


def half_width(prior: Prior, alpha: float) -> float:
    """Return half the interval, in logarithms, of one difference that a prior alone describes."""
    return quantile(prior.weight, 1 - alpha / 2) * prior.deviation


def split(samples: Sequence[float], per_round: int) -> list[Sequence[float]]:
    """Split samples into rounds; those that make up no whole rounds are one round."""
    if per_round < 1 or len(samples) % per_round:
        per_round = len(samples)
    return [samples[i : i + per_round] for i in range(0, len(samples), per_round)]


def spread(samples: Sequence[float]) -> float:
    """Return the interquartile range relative to the median, 0 for a single sample."""
    return _quartile_range(samples) / statistics.median(samples)


def geometric_mean(effects: Sequence[Effect], common: float) -> Effect:
    """Combine the effects on several models; the interval speaks of these models, not of others.

    `common` is half the interval, in logarithms, of what moved all of them at once.
    """
    logs = [math.log(one.ratio) for one in effects]
    halves = [math.log(one.high / one.ratio) for one in effects]
    return _effect(statistics.fmean(logs), math.hypot(*halves) / len(halves)).widened(common)


def detectable(deviation: float, rounds: int, alpha: float = ALPHA) -> float:
    """Return the relative change that so many rounds a side report in 19 of 20 cases.

    `deviation` is that of the rounds' locations on the machine in question, relative.
    """
    freedom = OF_ROUNDS.weight + rounds - 1
    of_pair = math.sqrt(2) * deviation
    squares = OF_ROUNDS.weight * OF_ROUNDS.deviation**2 + (rounds - 1) * of_pair**2
    decisive = quantile(freedom, 1 - alpha / 2) * math.sqrt(squares / freedom / rounds)
    return math.expm1(decisive + _POWER * of_pair / math.sqrt(rounds))


def rounds_for(change: float, deviation: float) -> int | None:
    """Return the least rounds a side that show such a change, None where even 100 do not."""
    enough = (n for n in range(1, _MOST_ROUNDS + 1) if detectable(deviation, n) <= change)
    return next(enough, None)


def rounds_to_tell(ratio: float, alpha: float) -> int | None:
    """Return how many rounds in turns would tell a change of that ratio, or tell the same.

    In 19 of 20 cases; None where even 100 would not.
    """
    distance = abs(math.log(ratio))
    needed = max(distance, math.log1p(MARGIN) - distance)

    def tells(rounds: int) -> bool:
        decisive = quantile(IN_TURNS.weight + rounds - 1, 1 - alpha / 2) + _POWER
        return decisive * IN_TURNS.deviation / math.sqrt(rounds) <= needed

    return next((n for n in range(2, _MOST_ROUNDS + 1) if tells(n)), None)


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
