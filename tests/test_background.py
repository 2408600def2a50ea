"""What a machine's history does by itself, found among what releases really changed."""

import numpy as np
import pytest
from conftest import release

from kasv import background
from kasv.background import Background
from kasv.results import Figure

MODELS = [f"model_{n}" for n in range(8)]
RELEASES = [release(f"tensorflow-1.{n}", "2018-01-01") for n in range(60)]


def measured(own: float, common: float, changed: float = 0.0) -> dict[str, dict[str, Figure]]:
    """Return figures of a machine on which each release has an hour of its own."""
    random = np.random.default_rng(5)
    found = {}
    for number, one in enumerate(RELEASES):
        hour = random.normal(0, common) + changed * (number // 10)
        seconds = {m: float(np.exp(hour + random.normal(0, own))) for m in MODELS}
        found[one.commit] = {m: figure(one.commit, m, s) for m, s in seconds.items()}
    return found


def figure(commit: str, model: str, seconds: float, version: str = "1") -> Figure:
    fields = ("box", commit, {}, model, "real", "track_step_time", None, seconds)
    return Figure(*fields, version=version)


@pytest.mark.parametrize("changed", [0.0, 0.3])
def test_the_spread_of_neighbours_is_found_whatever_a_few_releases_change(changed):
    found = background.estimate(RELEASES, measured(0.03, 0.04, changed))
    assert found.deviation == pytest.approx(2**0.5 * 0.05, rel=0.3)
    assert found.common == pytest.approx(2**0.5 * 0.04, rel=0.5)
    assert found.common < found.deviation


def test_a_short_history_says_nothing():
    assert background.estimate(RELEASES[:8], measured(0.03, 0.0)) is None
    assert isinstance(background.estimate(RELEASES[:9], measured(0.03, 0.0)), Background)


def test_a_longer_history_is_better_known():
    few, many = (background.estimate(RELEASES[:n], measured(0.03, 0.0)) for n in (10, 60))
    assert few.freedom < many.freedom


def test_no_machine_is_perfectly_quiet():
    assert background.estimate(RELEASES, measured(0.0, 0.0)).deviation == 0.01


def test_other_versions_of_a_benchmark_are_no_neighbours():
    figures = measured(0.0, 0.0)
    for number, one in enumerate(RELEASES):
        seconds = 1.0 + number % 2
        figures[one.commit] = {m: figure(one.commit, m, seconds, f"{number % 2}") for m in MODELS}
    assert background.estimate(RELEASES, figures) is None


def test_backends_are_lines_of_their_own():
    """Two backends, one twice as slow: their releases alternate in time and are no neighbours."""
    slow = [release(f"cntk-1.{n}", "2018-01-01") for n in range(12)]
    figures = {one.commit: {m: figure(one.commit, m, 2.0) for m in MODELS} for one in slow}
    figures |= measured(0.0, 0.0)
    mixed = [one for pair in zip(slow, RELEASES, strict=False) for one in pair]
    assert background.estimate(mixed, figures).deviation == 0.01
