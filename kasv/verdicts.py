"""What the samples of two releases prove: the rule of `kasv compare` and of the site.

One round a side proves nothing by itself: a machine that is measured again an hour later is another
machine. It counts where the change exceeds what the history of the machine does by itself. Several
rounds of two sittings are compared by their own variance and by what sittings have in common;
rounds in turns, or of one sitting, by their own alone.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec

from kasv import significance
from kasv.background import Background
from kasv.measurements import WAITING
from kasv.metrics import ACCURACY, METRICS
from kasv.results import Figure
from kasv.significance import Effect, Prior, Rounds, Verdict

_MOST_WEIGHT = 6  # of the history, in rounds, where there are several rounds of this release
_SITTING = 3600  # seconds; what began within them is of one sitting


class Side(msgspec.Struct, frozen=True):
    """A sampled metric of one training: its figure, that of its epochs, and its marks."""

    figure: Figure
    epochs: Figure | None = None
    marks: tuple[str, ...] = ()


class Judgement(msgspec.Struct, frozen=True):
    """What two sides' samples say, of how many rounds a side, and whether of two sittings."""

    verdict: Verdict
    effect: Effect
    rounds: int
    is_apart: bool
    notes: tuple[str, ...] = ()


def judge(
    a: Side, b: Side, per_round: int, background: Background | None, alpha: float
) -> Judgement:
    """Judge two sides' samples; `per_round` is how many epochs a process samples."""
    effect, rounds, apart = _effect(a, b, per_round, background, alpha)
    verdict = effect.verdict
    notes = [] if a.figure.samples and b.figure.samples else ["no samples"]
    if rounds == 1 and background is None:
        verdict = "cannot tell"
        notes.append("too little history for one round")
    marks = {*a.marks, *b.marks}
    if WAITING in marks or (marks and rounds < significance.FEW_ROUNDS):
        verdict = "cannot tell"
    if verdict == "cannot tell" and not marks:
        needed = significance.rounds_to_tell(effect.ratio, alpha)
        notes.append(f"{needed or 'over 100'} rounds in turns would tell")
    return Judgement(verdict, effect, rounds, apart, tuple(notes))


def mean(
    judgements: Sequence[Judgement], background: Background | None
) -> tuple[Effect, Verdict] | None:
    """Return the geometric mean of the models' ratios and what it proves, None of no model."""
    if not judgements:
        return None
    apart = any(one.is_apart for one in judgements)
    half = significance.half_width(_common(background), significance.ALPHA) if apart else 0.0
    effect = significance.geometric_mean([one.effect for one in judgements], half)
    unknown = background is None and any(one.rounds == 1 for one in judgements)
    return effect, "cannot tell" if unknown else effect.verdict


def of_accuracies(before: float, after: float) -> Verdict:
    """Judge two accuracies by the tolerance, in points of accuracy."""
    tolerance = METRICS[ACCURACY].tolerance or 0.0
    if abs(after - before) <= tolerance:
        return "same"
    return "better" if after > before else "worse"


def of_growth(growth: float, tolerance: float) -> Verdict:
    """Judge the relative growth of a value of which less is better; halving undoes doubling."""
    if -tolerance / (1 + tolerance) <= growth <= tolerance:
        return "same"
    return "worse" if growth > 0 else "better"


def of_one(ratio: float, background: Background | None) -> Verdict:
    """Judge the ratio of two single values by a machine's history."""
    if background is None:
        return "cannot tell"
    return significance.effect_of_one(ratio, _single(background), significance.ALPHA).verdict


def _effect(
    a: Side, b: Side, per_round: int, background: Background | None, alpha: float
) -> tuple[Effect, int, bool]:
    """Return the effect, of how many rounds a side, and whether of two sittings."""
    blocks = _blocks(a)
    if took_turns(a.epochs, b.epochs) and blocks and blocks == _blocks(b):
        rounds = len(a.figure.samples) // (significance.SAMPLES_IN_TURNS * blocks)
        prior = _single(background) if rounds == 1 and background else significance.IN_TURNS
        samples = a.figure.samples, b.figure.samples
        return significance.effect_in_turns(*samples, blocks, alpha, prior), rounds, False
    before, after = (_locate(side, per_round) for side in (a, b))
    rounds = min(len(before.logs), len(after.logs))
    if rounds == 1:
        prior = _single(background) if background else significance.OF_ROUNDS
        return significance.effect(_one(before), _one(after), alpha, prior), rounds, True
    effect = significance.effect(before, after, alpha, _of_rounds(background))
    if _same_sitting(a.epochs, b.epochs):
        return effect, rounds, False
    return effect.widened(significance.half_width(_common(background), alpha)), rounds, True


def _one(rounds: Rounds) -> Rounds:
    """Return one round in the middle of several, which are to be compared with a single one."""
    return Rounds((statistics.fmean(rounds.logs),), rounds.deviation)


def _of_rounds(background: Background | None) -> Prior:
    """Return what is known of the difference of two rounds among several.

    The history, whose rounds were of many sittings, but it must not outweigh the rounds themselves.
    """
    if background is None:
        return significance.OF_ROUNDS
    return Prior(background.deviation, min(_MOST_WEIGHT, background.freedom))


def _single(background: Background) -> Prior:
    return Prior(background.deviation, background.freedom)


def _common(background: Background | None) -> Prior:
    if background is None:
        return significance.OF_SITTINGS
    return Prior(background.common, background.freedom)


def _blocks(side: Side) -> int:
    """Return how many samples each epoch gave, 0 where they do not come apart by epochs."""
    epochs = len(side.epochs.samples) if side.epochs else 0
    whole = epochs and len(side.figure.samples) % epochs == 0
    return len(side.figure.samples) // epochs if whole else 0


def took_turns(a: Figure | None, b: Figure | None) -> bool:
    """Tell whether two trainings' epochs ran at the same time, as `kasv interleave` has them."""
    if a is None or b is None:
        return False
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


def _same_sitting(a: Figure | None, b: Figure | None) -> bool:
    """Tell whether two trainings' last rounds began within an hour of each other."""
    if a is None or b is None or a.started_at is None or b.started_at is None:
        return False
    return abs(a.started_at - b.started_at) / 1000 <= _SITTING


def _locate(side: Side, per_round: int) -> Rounds:
    figure = side.figure
    if figure.samples:
        return significance.of_samples(figure.samples, per_round * _blocks(side))
    value, stats = figure.value or math.nan, figure.stats
    if stats is None:
        return Rounds((math.log(value),))
    return significance.of_quartiles(value, stats.q_25, stats.q_75)
