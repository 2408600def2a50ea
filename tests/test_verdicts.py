"""What the samples of two releases prove."""

import pytest

from kasv import significance, verdicts
from kasv.background import Background
from kasv.results import Figure
from kasv.verdicts import Side

QUIET = Background(0.02, 0.01, 30.0)
NOISY = Background(0.2, 0.1, 30.0)
HOUR = 3600


def side(seconds, *, rounds=1, blocks=2, started=0.0, duration=None, marks=()):
    """Return a training whose steps all took so long: three epochs a round, two blocks each."""
    fields = {"started_at": int(1000 * started), "duration": duration}
    steps = figure("track_step_time", [seconds] * (3 * rounds * blocks))
    return Side(steps, figure("time_epoch", [60 * seconds] * (3 * rounds), **fields), marks)


def figure(metric, samples, **fields):
    return Figure(
        "box", "0" * 40, {}, "m", "real", metric, None, samples[0], tuple(samples), **fields
    )


def judge(a, b, background=QUIET):
    return verdicts.judge(a, b, 3, background, significance.ALPHA)


@pytest.mark.parametrize(
    ("ratio", "background", "verdict"),
    [
        (1.2, QUIET, "worse"),
        (0.8, QUIET, "better"),
        (1.05, QUIET, "cannot tell"),
        (1.2, NOISY, "cannot tell"),
        (3.0, NOISY, "worse"),
        (3.0, None, "cannot tell"),
        (1.0, QUIET, "cannot tell"),
    ],
)
def test_one_round_counts_beyond_what_the_history_does_by_itself(ratio, background, verdict):
    assert judge(side(1.0), side(ratio), background).verdict == verdict


def test_without_a_history_one_round_says_so():
    assert "too little history for one round" in judge(side(1.0), side(3.0), None).notes


@pytest.mark.parametrize("rounds", [1, 5])
def test_one_round_beside_several_is_one_round(rounds):
    found = judge(side(1.0), side(1.2, rounds=rounds), NOISY)
    assert (found.verdict, found.rounds) == ("cannot tell", 1)


@pytest.mark.parametrize(
    ("started", "background", "verdict"),
    [
        (0.5 * HOUR, QUIET, "worse"),
        (30 * HOUR, QUIET, "worse"),
        (30 * HOUR, Background(0.02, 0.2, 30.0), "cannot tell"),
        (0.5 * HOUR, Background(0.02, 0.2, 30.0), "worse"),
    ],
)
def test_several_rounds_of_two_sittings_carry_what_sittings_share(started, background, verdict):
    a, b = side(1.0, rounds=6), side(1.1, rounds=6, started=started)
    assert judge(a, b, background).verdict == verdict


def test_many_quiet_rounds_tell_the_same():
    a, b = side(1.0, rounds=40), side(1.001, rounds=40)
    assert judge(a, b).verdict == "same"
    few = side(1.0, rounds=2), side(1.001, rounds=2)
    assert judge(*few).verdict == "cannot tell"


def test_who_cannot_tell_says_what_would():
    (note,) = judge(side(1.0), side(1.05)).notes
    needed = significance.rounds_to_tell(1.05, significance.ALPHA)
    assert note == f"{needed} rounds in turns would tell"


@pytest.mark.parametrize(
    ("marks", "rounds", "verdict"),
    [
        (("contended",), 1, "cannot tell"),
        (("unstable",), 2, "cannot tell"),
        (("contended",), 3, "worse"),
        (("waiting",), 9, "cannot tell"),
    ],
)
def test_a_mark_takes_the_verdict_of_few_rounds_and_waiting_of_any(marks, rounds, verdict):
    a, b = side(1.0, rounds=rounds), side(3.0, rounds=rounds, marks=marks)
    assert judge(a, b).verdict == verdict


def test_blocks_of_steps_come_apart_by_rounds():
    """Rounds that differ are seen as such whatever the number of blocks in an epoch."""
    for blocks in (1, 4):
        steps = [1.0] * 3 * blocks + [1.3] * 3 * blocks
        epochs = figure("time_epoch", [60.0] * 6)
        rounds = verdicts._locate(Side(figure("track_step_time", steps), epochs), 3)
        assert rounds.logs == pytest.approx([0.0, 0.2624], abs=1e-4)


def in_turns(ratio, started):
    """Return two trainings of 48 epochs on a machine whose speed changes from epoch to epoch."""
    weather = [1.0 + 0.5 * (n % 3) for n in range(48) for _ in range(2)]
    sides = []
    for factor, start in ((1.0, 0.0), (ratio, started)):
        fields = {"started_at": int(1000 * start), "duration": 50.0}
        steps = figure("track_step_time", [factor * seconds for seconds in weather])
        sides.append(Side(steps, figure("time_epoch", weather[::2], **fields)))
    return sides


@pytest.mark.parametrize(
    ("started", "rounds", "verdict"), [(0.0, 3, "worse"), (49.0, 3, "worse"), (51.0, 1, None)]
)
def test_trainings_at_the_same_time_are_compared_side_by_side(started, rounds, verdict):
    found = verdicts.judge(*in_turns(1.08, started), 0, None, significance.ALPHA)
    assert (found.rounds, found.is_apart) == (rounds, verdict is None)
    assert found.verdict == (verdict or "cannot tell")


def test_the_mean_of_one_sitting_is_surer_than_that_of_two():
    own = [judge(side(1.0, rounds=6), side(1.1, rounds=6)) for _ in range(8)]
    others = [judge(side(1.0, rounds=6), side(1.1, rounds=6, started=9 * HOUR)) for _ in range(8)]
    noisy = Background(0.2, 0.2, 30.0)
    assert verdicts.mean(own, noisy)[1] == "worse"
    assert verdicts.mean(others, noisy)[1] == "cannot tell"
    assert verdicts.mean([], noisy) is None


def test_the_mean_of_single_rounds_without_a_history_proves_nothing():
    judged = [judge(side(1.0), side(9.0), None) for _ in range(8)]
    assert verdicts.mean(judged, None)[1] == "cannot tell"


@pytest.mark.parametrize(
    ("ratio", "background", "verdict"),
    [(1.2, QUIET, "worse"), (1.2, NOISY, "cannot tell"), (1.2, None, "cannot tell")],
)
def test_the_ratio_of_two_levels(ratio, background, verdict):
    assert verdicts.of_one(ratio, background) == verdict
