"""What `kasv compare` would report on simulated machines: how many rounds a noise needs.

Rounds of three epochs, the rounds' own deviation as given, a drift of a third of it that rounds run
next to each other share, epochs that deviate by 1 %, of which 6 % are disturbed by up to a half.
Prints, for rounds a side, how often the same release is reported to differ from itself and how
often a slowdown of 5 % is reported: docs/statistics.md shows it.

    python perf/power.py

takes a minute.
"""

import click
import numpy as np
from numpy.typing import NDArray

from kasv import significance

_EPOCHS = 3
_DISTURBED = 0.06


@click.command()
@click.option("--trials", default=2000, show_default=True)
def main(trials: int) -> None:
    """Print a line for each deviation of rounds."""
    random = np.random.default_rng(2017)
    for deviation in (0.005, 0.01, 0.015, 0.02, 0.04):
        for rounds in (3, 5, 6, 8, 10):
            shares = [
                np.mean([_reported(random, deviation, rounds, slower) for _ in range(trials)])
                for slower in (0.0, significance.PLANTED)
            ]
            click.echo(
                f"rounds deviate by {deviation:.1%}, {rounds} a side: false alarms "
                f"{shares[0]:.1%}, {significance.PLANTED:.0%} slower reported {shares[1]:.1%}"
            )


def _reported(random: np.random.Generator, deviation: float, rounds: int, slower: float) -> bool:
    drift = random.normal(0, deviation / 3, (rounds, 1))
    sides = [_side(random, deviation, drift, factor) for factor in (1.0, 1.0 + slower)]
    return significance.effect(*sides, significance.ALPHA).is_significant


def _side(
    random: np.random.Generator, deviation: float, drift: NDArray[np.float64], factor: float
) -> significance.Locations:
    shape = drift.shape[0], _EPOCHS
    disturbance = (random.random(shape) < _DISTURBED) * random.uniform(0, 0.5, shape)
    logs = drift + random.normal(0, deviation, drift.shape) + random.normal(0, 0.01, shape)
    seconds = factor * np.exp(logs) * (1 + disturbance)
    return significance.of_samples(seconds.ravel().tolist(), _EPOCHS)


if __name__ == "__main__":
    main()
