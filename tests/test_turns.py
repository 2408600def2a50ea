"""Two trainings take turns: one works at a time, and neither waits for one that is no more."""

import itertools
import threading
import time

import pytest

from benchmarks import turns as suite
from kasv.turns import SIDES, Turns

EPOCHS = 6


@pytest.fixture
def given(tmp_path):
    """Give turns in a folder; count them."""
    counted = []
    with Turns(tmp_path, lambda: counted.append(1)) as turns:
        yield tmp_path, turns, counted


def train(path, name="mnist_mlp on real data", epochs=EPOCHS, log=None):
    """Take turns as the suite's trainings do; return what went wrong, if anything."""
    ours = suite.Turns(str(path), name)
    try:
        for _ in range(epochs):
            ours.wait()
            start = time.perf_counter()
            time.sleep(0.01)
            if log is not None:
                log.append((path.name, start, time.perf_counter()))
            ours.done()
    except RuntimeError as error:
        return str(error)
    finally:
        if ours._socket is not None:
            ours._socket.close()  # as the end of its process does
    return None


def train_both(folder, a=None, b=None):
    """Train on both sides at once; return what went wrong on each."""
    said = {}
    threads = [
        threading.Thread(
            target=lambda side=side, o=o: said.update({side: train(folder / side, **o)})
        )
        for side, o in zip(SIDES, (a or {}, b or {}), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return said


def test_one_works_at_a_time_and_one_after_the_other(given):
    folder, _, counted = given
    log = []
    assert train_both(folder, {"log": log}, {"log": log}) == {"a": None, "b": None}
    log.sort(key=lambda entry: entry[1])
    assert [side for side, *_ in log] == list("ab" * EPOCHS)
    assert all(end <= start for (_, _, end), (_, start, _) in itertools.pairwise(log))
    assert len(counted) == 2 * EPOCHS


def test_who_begins_changes_from_training_to_training(given):
    folder, *_ = given
    logs = [], []
    for log in logs:
        train_both(folder, {"log": log}, {"log": log})
    assert [min(log, key=lambda entry: entry[1])[0] for log in logs] == ["a", "b"]


def test_a_training_whose_other_ends_early_fails_and_says_so(given):
    folder, *_ = given
    said = train_both(folder, {"epochs": 2})
    assert said == {"a": None, "b": "the other release's mnist_mlp on real data has ended first"}


def test_trainings_of_different_models_do_not_pair_up(given):
    folder, *_ = given
    said = train_both(
        folder, {"name": "mnist_mlp on real data"}, {"name": "mnist_cnn on real data"}
    )
    assert "mnist_mlp" in said["a"]
    assert "mnist_cnn" in said["b"]
    assert train_both(folder) == {"a": None, "b": None}


def test_after_the_last_turn_nobody_waits(given):
    folder, turns, _ = given
    timer = threading.Timer(0.2, turns.stop)
    timer.start()
    assert "has ended first" in train(folder / "a")  # it waits for its first turn
    assert "has ended first" in train(folder / "b")  # it comes too late


def test_without_a_socket_every_moment_is_ones_own():
    ours = suite.Turns("", "mnist_mlp on real data")
    for _ in range(3):
        ours.wait()
        ours.done()
