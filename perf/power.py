"""What `kasv compare` would report on simulated machines: false alarms, and what it sees.

Eight models a comparison. Rounds deviate as given; of two sittings, 0.6 of the deviation is the
hour's, which all models of a sitting share. Samples within a round deviate by 1 %, and 6 % of them
are disturbed by up to a half. The history that judges one round has 90 pairs of neighbours, of
which every fifth changed by 10 %. docs/statistics.md shows what this prints.

    python perf/power.py

takes a few minutes.
"""

import itertools
import math

import click
import numpy as np

from kasv import background, significance, verdicts
from kasv.background import Background
from kasv.metrics import EPOCH, STEP
from kasv.results import Figure
from kasv.verdicts import Judgement, Side

MODELS = 8
_SAMPLES = 6
_DISTURBED = 0.06
_COMMON = 0.6
_PAIRS = 90
_REAL = 0.1
_DAY = 86_400_000
# Rounds a side, whether of two sittings, whether there is a history.
_CASES = (
    (1, True, True),
    (4, True, True),
    (4, False, True),
    (4, False, False),
    (8, False, True),
    (10, False, False),
)


class Machine:
    """A machine whose rounds deviate by so much, and what is known of its history."""

    def __init__(self, random: np.random.Generator, deviation: float, *, remembers: bool) -> None:
        self._random = random
        self._deviation = deviation
        self._remembers = remembers
        self.background: Background | None = None

    def live(self) -> None:
        """Live through a history of neighbouring releases, each measured once."""
        if not self._remembers:
            return
        sittings = [self._sitting(1) for _ in range(_PAIRS + 1)]
        differences = [(b - a)[:, 0] for a, b in itertools.pairwise(sittings)]
        real = _REAL * (self._random.random((_PAIRS, 1)) < 0.2)
        self.background = background.of_differences((np.stack(differences) + real).tolist())

    def _sitting(self, rounds: int, hour: float | None = None) -> np.ndarray:
        """Return the models' logarithms of each round of a sitting."""
        share = _COMMON * self._deviation
        hour = self._random.normal(0, share) if hour is None else hour
        own = math.sqrt(1 - _COMMON**2) * self._deviation
        return hour + self._random.normal(0, own, (MODELS, rounds))

    def compare(self, rounds: int, change: float, *, apart: bool) -> list[Judgement]:
        """Compare a release with one that is slower, in two sittings or in rounds in turns."""
        hours = (None, None) if apart else (0.0, 0.0)
        a, b = (self._sitting(rounds, hour) for hour in hours)
        if not apart:  # what the hour is not, the rounds deviate by themselves
            a, b = (side / math.sqrt(1 - _COMMON**2) for side in (a, b))
        alpha = significance.ALPHA / MODELS
        sides = zip(a, b + math.log1p(change), strict=True)
        return [
            verdicts.judge(
                self._side(x, 0), self._side(y, _DAY * apart), _SAMPLES, self.background, alpha
            )
            for x, y in sides
        ]

    def _side(self, logs: np.ndarray, started_at: int) -> Side:
        shape = len(logs), _SAMPLES
        disturbed = (self._random.random(shape) < _DISTURBED) * self._random.uniform(0, 0.5, shape)
        samples = np.exp(logs[:, None] + self._random.normal(0, 0.01, shape)) * (1 + disturbed)
        figures = [
            _figure(metric, samples.ravel().tolist(), started_at) for metric in (STEP, EPOCH)
        ]
        return Side(*figures)


def _figure(metric: str, samples: list[float], started_at: int) -> Figure:
    value = float(np.median(samples))
    fields = ("box", "0" * 40, {}, "mnist_mlp", "real", metric, None, value, tuple(samples))
    return Figure(*fields, started_at=started_at)


@click.command()
@click.option("--trials", default=1000, show_default=True, help="Comparisons with itself.")
def main(trials: int) -> None:
    """Print a line for each deviation of one round, of four and eight, and of rounds in turns."""
    random = np.random.default_rng(2017)
    for rounds, apart, remembers in _CASES:
        of = "two sittings" if apart else "one sitting"
        click.echo(f"{rounds} a side, of {of}, {'a' if remembers else 'no'} history; deviation:")
        for deviation in (0.01, 0.02, 0.03, 0.05, 0.08):
            machine = Machine(random, deviation, remembers=remembers)
            alarms = count_alarms(machine, rounds, trials, apart=apart)
            seen = count_seen(machine, rounds, trials // 5, apart=apart)
            click.echo(f"  {deviation:.0%}: {alarms}; {seen}")
    for deviation in (0.007, 0.02, 0.032):
        shares = [share_in_turns(random, deviation, c, trials) for c in (0, significance.PLANTED)]
        click.echo(f"4 in turns, {deviation:.1%}: alarms {shares[0]:.1%}, 5% seen {shares[1]:.0%}")


def count_alarms(machine: Machine, rounds: int, trials: int, *, apart: bool) -> str:
    """Count the changes that a release shows beside itself."""
    models, means = [], []
    for _ in range(trials):
        machine.live()
        judged = machine.compare(rounds, 0.0, apart=apart)
        models.append([_is_change(one.verdict) for one in judged])
        mean = verdicts.mean(judged, machine.background)
        means.append(mean is not None and _is_change(mean[1]))
    return (
        f"alarms {np.mean(models):.2%} of models, {np.mean(list(map(any, models))):.1%} of "
        f"comparisons, {np.mean(means):.1%} of means"
    )


def count_seen(machine: Machine, rounds: int, trials: int, *, apart: bool) -> str:
    """Count how often changes of several sizes are reported."""
    said = []
    for change in (0.05, 0.1, 0.2, 0.5):
        seen = []
        for _ in range(trials):
            machine.live()
            judged = machine.compare(rounds, change, apart=apart)
            seen += [one.verdict == "worse" for one in judged]
        said.append(f"{change:.0%}: {np.mean(seen):.0%}")
    return "seen " + ", ".join(said)


def share_in_turns(
    random: np.random.Generator, deviation: float, change: float, trials: int
) -> float:
    """Return how often one model's rounds in turns, deviating so, report a change."""
    samples = significance.SAMPLES_IN_TURNS
    seen = []
    for _ in range(trials):
        shifts = np.repeat(random.normal(math.log1p(change), deviation, 4), samples)
        a, b = (np.exp(random.normal(0, 0.02, 4 * samples)) for _ in range(2))
        effect = significance.effect_in_turns(
            a.tolist(), (b * np.exp(shifts)).tolist(), 1, significance.ALPHA
        )
        seen.append(effect.is_significant)
    return float(np.mean(seen))


def _is_change(verdict: str) -> bool:
    return verdict in ("better", "worse")


if __name__ == "__main__":
    main()
