import math
import statistics

import numpy as np
import pytest

from kasv import significance
from kasv.interleave_command import ROUNDS
from kasv.significance import IN_TURNS, Effect, Prior, Rounds


def rounds_of(
    seconds: float, rounds: int, deviation: float, generator: np.random.Generator
) -> Rounds:
    samples = [
        seconds * math.exp(shift) * (1 + abs(generator.normal(0, 0.02)))
        for shift in generator.normal(0, deviation, rounds)
        for _ in range(5)
    ]
    return significance.of_samples(samples, 5)


@pytest.mark.parametrize("rounds", [1, 2, 3, 5, 8])
def test_the_same_is_not_told_apart(rounds):
    generator = np.random.default_rng(rounds)
    found = [
        significance.effect(
            rounds_of(1.0, rounds, 0.01, generator),
            rounds_of(1.0, rounds, 0.01, generator),
            significance.ALPHA,
        )
        for _ in range(400)
    ]
    assert sum(effect.is_significant for effect in found) <= 4


def test_a_planted_slowdown_is_seen_in_the_default_number_of_rounds():
    generator = np.random.default_rng(7)
    found = [
        significance.effect(
            rounds_of(1.0, significance.ROUNDS, 0.01, generator),
            rounds_of(1.05, significance.ROUNDS, 0.01, generator),
            significance.ALPHA,
        )
        for _ in range(200)
    ]
    assert sum(effect.is_significant for effect in found) >= 190
    assert statistics.median(effect.ratio for effect in found) == pytest.approx(1.05, abs=0.005)


def test_a_slow_hour_that_both_shared_cancels():
    hours = [0.0, 0.3, -0.2, 0.5, 0.1, 0.4]
    a, b = Rounds(tuple(hours)), Rounds(tuple(hour + 0.1 for hour in hours))
    effect = significance.effect(a, b, significance.ALPHA)
    assert effect.verdict == "worse"
    assert effect.ratio == pytest.approx(math.exp(0.1))


def test_rounds_that_disagree_prove_nothing():
    a = Rounds((0.0, 0.0, 0.0, 0.0, 0.0))
    b = Rounds((0.5, -0.4, 0.3, 0.2, -0.1))
    assert not significance.effect(a, b, significance.ALPHA).is_significant


def test_unequal_numbers_of_rounds_compare_too():
    a, b = Rounds((0.0, 0.01)), Rounds((0.4, 0.41, 0.39, 0.4, 0.4))
    effect = significance.effect(a, b, significance.ALPHA)
    assert effect.is_significant
    assert effect.low < math.exp(0.395) < effect.high


def test_a_round_whose_epochs_spread_is_less_sure():
    steady = significance.of_samples([1.0, 1.01, 1.0, 1.01, 1.0], 5)
    shaky = significance.of_samples([1.0, 1.5, 1.9, 1.2, 2.2], 5)
    wide, narrow = (significance.effect(steady, other, 0.005) for other in (shaky, steady))
    assert wide.high / wide.low > narrow.high / narrow.low


def test_asvs_quartiles_tell_the_same_deviation_as_the_samples():
    kept = significance.of_quartiles(1.2, 1.1, 1.3)
    sampled = significance.of_samples([1.0, 1.1, 1.2, 1.3, 1.4], 5)
    assert len(kept.logs) == len(sampled.logs) == 1
    assert kept.deviation == pytest.approx(sampled.deviation)


@pytest.mark.parametrize(
    ("per_round", "expected"), [(2, [5, 3.5, 3.5]), (3, [4, 3]), (6, [3.5]), (4, [3.5]), (0, [3.5])]
)
def test_each_round_is_located_by_its_median(per_round, expected):
    logs = significance.of_samples([1, 9, 4, 3, 2, 5], per_round).logs
    assert logs == pytest.approx([math.log(seconds) for seconds in expected])


@pytest.mark.parametrize(
    ("samples", "expected"), [([1.0], 0.0), ([1.0, 1.0], 0.0), ([1, 2, 3, 4, 5], 2 / 3)]
)
def test_spread(samples, expected):
    assert significance.spread(samples) == pytest.approx(expected)


def test_the_geometric_mean_is_surer_than_its_parts():
    part = Effect(1.1, 1.1 / 1.04, 1.1 * 1.04)
    whole = significance.geometric_mean([part] * 4, 0.0)
    assert whole.ratio == pytest.approx(1.1)
    assert whole.high / whole.ratio == pytest.approx(1.04**0.5)


def test_the_geometric_mean_knows_nothing_of_what_all_its_parts_share():
    part = Effect(1.1, 1.1 / 1.04, 1.1 * 1.04)
    common = math.log(1.06)
    whole = significance.geometric_mean([part] * 1000, common)
    assert whole.high / whole.ratio == pytest.approx(1.06, abs=1e-4)


@pytest.mark.parametrize(
    ("low", "ratio", "high", "verdict"),
    [
        (0.99, 1.0, 1.01, "same"),
        (0.98, 1.0, 1.0299, "same"),
        (0.98, 1.0, 1.031, "cannot tell"),
        (0.96, 1.0, 1.01, "cannot tell"),
        (0.7, 1.448, 2.99, "cannot tell"),
        (1.01, 1.05, 1.09, "worse"),
        (0.9, 0.95, 0.99, "better"),
    ],
)
def test_the_same_is_only_what_lies_within_the_margin(low, ratio, high, verdict):
    assert Effect(ratio, low, high).verdict == verdict


def test_one_value_is_judged_by_what_is_known_before():
    quiet, noisy = (Prior(deviation, 30) for deviation in (0.02, 0.1))
    assert significance.effect_of_one(1.2, quiet, significance.ALPHA).verdict == "worse"
    assert significance.effect_of_one(1.2, noisy, significance.ALPHA).verdict == "cannot tell"


def test_the_rounds_that_would_tell_do():
    generator = np.random.default_rng(3)
    for change in (1.0, 1.05):
        rounds = significance.rounds_to_tell(change, significance.ALPHA)
        told = 0
        for _ in range(200):
            shifts = generator.normal(math.log(change), IN_TURNS.deviation, rounds)
            b = [math.exp(s) for s in shifts for _ in range(significance.SAMPLES_IN_TURNS)]
            effect = significance.effect_in_turns([1.0] * len(b), b, 1, significance.ALPHA)
            told += effect.verdict == ("worse" if change > 1 else "same")
        assert told >= 0.85 * 200


def test_a_small_change_needs_more_rounds_than_a_large_one():
    found = [significance.rounds_to_tell(c, significance.ALPHA) for c in (1.5, 1.05, 1.015)]
    assert found == sorted(found)
    assert found[0] == 2


def test_more_noise_costs_more_rounds():
    costs = [significance.rounds_for(0.05, deviation) for deviation in (0.005, 0.02, 0.04)]
    assert costs == sorted(costs)
    assert significance.rounds_for(0.05, 0.5) is None


def in_turns(
    slower: float, generator: np.random.Generator, weather: float = 0.05
) -> significance.Effect:
    """Compare two trainings in turns on a machine whose speed both share; one is slower."""
    count = ROUNDS * significance.SAMPLES_IN_TURNS
    shared = generator.normal(0, weather, count)
    a, b = (
        [math.exp(time + generator.normal(0, 0.02)) * factor for time in shared]
        for factor in (1.0, slower)
    )
    return significance.effect_in_turns(a, b, 1, significance.ALPHA)


def test_in_turns_the_same_is_not_told_apart():
    generator = np.random.default_rng(11)
    assert sum(in_turns(1.0, generator).is_significant for _ in range(400)) <= 4


def test_in_turns_a_slowdown_is_seen_through_noise_that_both_share():
    generator = np.random.default_rng(12)
    found = [in_turns(1.05, generator) for _ in range(200)]
    assert sum(effect.is_significant for effect in found) >= 190
    assert statistics.median(effect.ratio for effect in found) == pytest.approx(1.05, abs=0.005)


def test_in_turns_an_epoch_out_of_line_moves_nothing():
    a = [1.0] * 2 * significance.SAMPLES_IN_TURNS
    b = [9.0, *a[1:]]
    assert significance.effect_in_turns(a, b, 1, significance.ALPHA).ratio == pytest.approx(1.0)


def test_in_turns_who_begins_makes_no_difference():
    """On a machine where the side that begins is slower, as on ours by up to 13 %."""
    epochs = significance.EPOCHS_IN_TURNS
    begins = [1.1] * epochs + [1.0] * epochs
    a, b = begins * 4, [*begins[epochs:], *begins[:epochs]] * 4
    effect = significance.effect_in_turns(a, b, 1, significance.ALPHA)
    assert effect.ratio == pytest.approx(1.0)
    assert effect.high < 1.05


def test_in_turns_the_blocks_of_an_epoch_belong_together():
    """Three blocks an epoch: the first of each is slower on both sides, and cancels."""
    a = [1.5, 1.0, 1.0] * 4 * significance.SAMPLES_IN_TURNS
    b = [1.1 * seconds for seconds in a]
    effect = significance.effect_in_turns(a, b, 3, significance.ALPHA)
    assert effect.ratio == pytest.approx(1.1)
    assert effect.is_significant


def test_in_turns_rounds_that_disagree_prove_nothing():
    epochs = significance.SAMPLES_IN_TURNS
    a = [1.0] * 4 * epochs
    b = [factor for factor in (1.5, 0.7, 1.3, 0.9) for _ in range(epochs)]
    assert not significance.effect_in_turns(a, b, 1, significance.ALPHA).is_significant


@pytest.mark.parametrize("rounds", [2, 5, 10])
def test_what_is_detectable_is_detected(rounds):
    deviation = 0.02
    change = significance.detectable(deviation, rounds)
    generator = np.random.default_rng(rounds)
    seen = 0
    for _ in range(300):
        a, b = (
            Rounds(tuple(shift + generator.normal(0, deviation) for _ in range(rounds)))
            for shift in (0.0, math.log1p(change))
        )
        seen += significance.effect(a, b, significance.ALPHA).is_significant
    assert seen >= 0.85 * 300
