"""The suite's clock inside `fit`: which batches it reads the clocks at, and what comes of it."""

import pytest

from benchmarks import steps


@pytest.mark.parametrize(
    ("count", "marks"),
    [
        (30, (10, 15, 20, 25, 30)),
        (33, (13, 18, 23, 28, 33)),
        (14, (10, 11, 12, 13, 14)),
        (13, ()),
        (1563, (11, 399, 787, 1175, 1563)),
    ],
)
def test_blocks_are_equal_and_end_with_the_epoch(count: int, marks: tuple[int, ...]) -> None:
    assert steps.marks(count) == marks


def test_only_marked_batches_are_waited_for_and_timed() -> None:
    waited: list[str] = []
    clock = steps.StepClock(30, waited.append)
    for number in range(30):
        clock.batch_ended(number, f"logs of {number}")
    assert waited == [f"logs of {number}" for number in (9, 14, 19, 24, 29)]
    wall, cpu = clock.samples()
    assert len(wall) == len(cpu) == steps.BLOCKS
    assert min(wall) > 0


def test_a_batch_that_was_not_told_of_fails_the_training() -> None:
    clock = steps.StepClock(30, lambda logs: None)
    for number in range(20):
        clock.batch_ended(number, None)
    with pytest.raises(RuntimeError, match="3 of the 5 batches"):
        clock.samples()


def test_an_epoch_too_short_to_time_has_no_samples() -> None:
    assert steps.StepClock(4, lambda logs: None).samples() == [[], []]
