"""The suite's records: what a training leaves, and what every `track_` function makes of it."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import processor, records, settings
from benchmarks.lstm_text_generation import LstmTextGeneration
from benchmarks.mnist_mlp import MnistMlp

RELEASE = {
    "tag": "cntk-2.7.post2",
    "backend": "cntk",
    "backend_version": "2.7",
    "keras": "2.2.5",
    "keras_module": "keras",
    "numpy": "1.19.5",
    "unroll": False,
}


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MnistMlp:
    monkeypatch.setenv("KASV_SIZE", "small")
    monkeypatch.setenv("KASV_DEVICE", "cpu")
    monkeypatch.setenv("KASV_THREADS", "1")
    monkeypatch.setenv("KASV_RELEASE", json.dumps(RELEASE))
    monkeypatch.setenv("KASV_RECORDS", str(tmp_path))
    monkeypatch.setenv("KASV_ARRAYS", str(tmp_path / "arrays"))
    return MnistMlp()


def epoch(kind: str, seconds: float, accuracy: float, **others: float | None) -> dict[str, Any]:
    return {
        "kind": kind,
        "seconds": seconds,
        "loss": 1 - accuracy,
        "accuracy": accuracy,
        "cpu_seconds": seconds,
        "busy_seconds": seconds * 1.5,
        "core_seconds": seconds * 2,
        "augment_seconds": 0.1,
        "step_seconds": [seconds / 100] * 4,
        "step_cpu_seconds": [seconds / 200] * 4,
        "gpu_memory": None,
        "gpu_energy": None,
    } | others


def leave(training: MnistMlp, epochs: list[dict[str, Any]], **changes: Any) -> None:
    record = {
        "identity": training._identity("real"),
        "failure": None,
        "planned_epochs": 7,
        "samples": 6000,
        "published_samples": 60000,
        "batch_size": 100,
        "chance_accuracy": 0.14,
        "earlier_rounds": [],
        "peak_memory": 2**28,
        "epochs": epochs,
    } | changes
    records.write(settings.record_path("mnist_mlp", "real"), record)


SEVEN = [
    epoch("first", 9.0, 0.5),
    epoch("validated", 2.5, 0.6),
    *(epoch("steady", seconds, 0.7 + seconds / 100) for seconds in (2.0, 1.9, 2.1, 2.2, 2.0)),
]


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("track_first_epoch", 9.0),
        ("track_epoch_with_validation", 2.5),
        ("track_samples_per_second", 3000.0),
        ("track_accuracy", 0.72),
        ("track_error", 0.28),
        ("track_loss", 0.28),
        ("track_peak_memory", 2**28),
        ("track_chance_accuracy", 0.14),
        ("track_epoch_overhead", 0.8),
        ("track_spread", 0.05),
        ("track_waiting", 0.0),
        ("track_other_load", 0.25),
        ("track_gpu_peak_memory", math.nan),
        ("track_gpu_energy", math.nan),
    ],
)
def test_each_metric_comes_from_the_record(training: MnistMlp, function: str, value: float) -> None:
    leave(training, SEVEN)
    assert getattr(training, function)("real") == pytest.approx(value, nan_ok=True)


def test_step_times_are_samples_of_every_block(training: MnistMlp) -> None:
    leave(training, SEVEN)
    of_epochs = [2.0, 1.9, 2.1, 2.2, 2.0]
    wall = [seconds / 100 for seconds in of_epochs for _ in range(4)]
    assert training.track_step_time("real") == {"samples": pytest.approx(wall), "number": 1}
    cpu = training.track_step_cpu("real")["samples"]
    assert cpu == pytest.approx([seconds / 2 for seconds in wall])


def test_a_later_round_keeps_the_earlier_rounds_step_times(training: MnistMlp) -> None:
    leave(training, SEVEN)
    path, identity = settings.record_path("mnist_mlp", "real"), training._identity("real")
    (earlier,) = records.rounds(path, identity)
    leave(training, [epoch("steady", 3.0, 0.9)], earlier_rounds=[earlier])
    samples = training.track_step_time("real")["samples"]
    assert samples == [*earlier["step_seconds"], 0.03, 0.03, 0.03, 0.03]
    assert len(records.rounds(path, identity)) == 2
    leave(training, SEVEN, failure="killed")
    assert records.rounds(path, identity) == []


def test_waits_are_what_nobody_used_of_an_epoch(training: MnistMlp) -> None:
    quiet = epoch("steady", 4.0, 0.5, cpu_seconds=1.0, busy_seconds=1.0)
    busy = epoch("steady", 4.0, 0.5, cpu_seconds=1.0, busy_seconds=3.0)
    leave(training, [quiet])
    assert training.track_waiting("real") == 0.75
    leave(training, [busy])
    assert training.track_waiting("real") == 0.25
    leave(training, [epoch("steady", 1.0, 0.5, core_seconds=None, busy_seconds=None)])
    assert math.isnan(training.track_waiting("real"))


def test_a_published_epoch_grows_by_steps_and_augmentation_alone(training: MnistMlp) -> None:
    one = epoch("steady", 4.0, 0.5, busy_seconds=2.0, cpu_seconds=2.0, augment_seconds=0.1)
    leave(training, [one | {"step_seconds": [0.02] * 4}])  # 60 steps, 2 s of waiting, 0.1, 0.7
    assert training.track_published_epoch("real") == pytest.approx(600 * 0.02 + 10 * 0.1 + 0.7)


def test_history_has_a_value_for_each_epoch_trained(training: MnistMlp) -> None:
    leave(training, SEVEN)
    history = [training.track_history("real", number) for number in range(1, 9)]
    assert history[:2] == [0.5, 0.6]
    assert math.isnan(history[7])


def test_a_shorter_training_has_times_but_no_final_accuracy(training: MnistMlp) -> None:
    leave(training, SEVEN[:2])
    assert training.track_first_epoch("real") == 9.0
    assert math.isnan(training.track_accuracy("real"))
    assert math.isnan(training.track_spread("real"))
    assert math.isnan(training.track_step_time("real"))


def test_epochs_beyond_the_plan_do_not_count_for_accuracy(training: MnistMlp) -> None:
    leave(training, [*SEVEN, epoch("steady", 2.0, 0.99)])
    assert training.track_accuracy("real") == pytest.approx(0.72)


def test_a_failed_training_fails_every_metric_with_its_reason(training: MnistMlp) -> None:
    leave(training, [], failure="RuntimeError: training did not move the weights lstm_1/kernel")
    with pytest.raises(RuntimeError, match="did not move the weights lstm_1/kernel"):
        training.track_loss("real")


@pytest.mark.parametrize(
    ("name", "value"),
    [("KASV_THREADS", "2"), ("KASV_RELEASE", json.dumps(RELEASE | {"tag": "cntk-2.6"}))],
)
def test_a_record_of_another_training_is_not_taken_for_this_one(
    training: MnistMlp, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    leave(training, SEVEN)
    path = settings.record_path("mnist_mlp", "real")
    assert records.read(path, training._identity("real"))
    monkeypatch.setenv(name, value)
    assert records.read(path, training._identity("real")) is None


def test_a_record_is_replaced_whole(training: MnistMlp, tmp_path: Path) -> None:
    leave(training, SEVEN)
    leave(training, SEVEN[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["mnist_mlp-real.json"]


def test_setup_skips_what_has_no_data(training: MnistMlp) -> None:
    with pytest.raises(NotImplementedError, match=r"mnist-real\.npz"):
        training.setup("real")


def test_text_generation_has_a_loss_alone() -> None:
    assert LstmTextGeneration.track_accuracy is None
    assert LstmTextGeneration.track_error is None
    assert LstmTextGeneration.metric == "loss"


@pytest.mark.parametrize(
    ("values", "spread"),
    [([1.0, 1.0, 1.0], 0.0), ([1.0, 2.0, 3.0], 0.5), ([1.0, 3.0], 0.5), ([1.0], math.nan)],
)
def test_spread_is_the_relative_interquartile_range(values: list[float], spread: float) -> None:
    assert records.spread(values) == pytest.approx(spread, nan_ok=True)


def test_other_load_is_unknown_without_proc(training: MnistMlp) -> None:
    leave(training, [epoch("steady", 1.0, 0.5, core_seconds=None, busy_seconds=None)])
    assert math.isnan(training.track_other_load("real"))


def test_core_seconds_count_steal_as_busy_and_waiting_as_idle(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text(
        "cpu  400 40 120 2800 240 20 20 360 160 0\n"
        "cpu0 300 30 90 2100 180 15 15 270 120 0\n"
        "cpu1 100 10 30 700 60 5 5 90 40 0\n"
        "intr 5 4 3 2 1\n"
    )
    ticks = 100  # USER_HZ, which Linux has fixed
    assert processor.core_seconds(str(stat), {1}) == (240 / ticks, 1000 / ticks)
    assert processor.core_seconds(str(stat), {0, 1}) == (960 / ticks, 4000 / ticks)
    assert processor.core_seconds(str(tmp_path / "none"), {0}) == (None, None)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux pins a process")
def test_a_training_may_use_as_many_cores_as_it_has_threads() -> None:
    code = (
        "import os; from benchmarks import processor; last = max(os.sched_getaffinity(0));"
        "processor.pin(1); assert os.sched_getaffinity(0) == {last}; processor.pin(2)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "KASV_THREADS is 2, but this process may use 1 cores" in answer.stderr


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("KASV_SIZE", "huge", "set it to small or full"),
        ("KASV_DEVICE", "tpu", "set it to cpu or gpu"),
        ("KASV_THREADS", "0", "whole number"),
        ("KASV_THREADS", "two", "whole number"),
    ],
)
def test_wrong_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name} is '{value}'.*{message}"):
        {"KASV_SIZE": settings.size, "KASV_DEVICE": settings.device}.get(name, settings.threads)()


@pytest.mark.parametrize("value", [None, "not JSON", "{}", "[]"])
def test_a_missing_release_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("KASV_RELEASE", raising=False)
    if value is not None:
        monkeypatch.setenv("KASV_RELEASE", value)
    with pytest.raises(RuntimeError, match="KASV_RELEASE does not say which release"):
        settings.release()
