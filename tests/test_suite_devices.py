"""The suite's threads and GPU: what it sets, what it reads of nvidia-smi, what it says without."""

import os
from pathlib import Path

import pytest

from benchmarks import devices

NVIDIA_SMI = """#!/bin/sh
case "$*" in
    *--loop-ms*)
        echo "1024, 100.0"
        echo "3072, 200.0"
        echo "2048, [N/A]"
        exec sleep 60 ;;
    *driver_version*) echo "580.65.06" ;;
    *name*) echo "NVIDIA Stand-in" ;;
esac
"""


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put a program in nvidia-smi's place that answers as it does."""
    program = tmp_path / "nvidia-smi"
    program.write_text(NVIDIA_SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("device", "theano", "visible"),
    [("cpu", "floatX=float32,device=cpu", "-1"), ("gpu", "floatX=float32,device=cuda", None)],
)
def test_prepare_sets_threads_and_device(
    monkeypatch: pytest.MonkeyPatch, device: str, theano: str, visible: str | None
) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"]})
    devices.prepare(device, 2)
    assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "2"
    assert os.environ["THEANO_FLAGS"] == theano
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == visible
    assert "XLA_FLAGS" not in os.environ


def test_prepare_keeps_flags_that_the_host_has_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"THEANO_FLAGS": "base_compiledir=there"})
    devices.prepare("cpu", 1)
    assert os.environ["THEANO_FLAGS"] == "base_compiledir=there,floatX=float32,device=cpu"
    assert os.environ["XLA_FLAGS"] == "--xla_cpu_multi_thread_eigen=false"


def test_a_cpu_needs_no_proof() -> None:
    assert devices.prove("tensorflow", "cpu", "1.14.0") == "cpu"


@pytest.mark.parametrize("backend", ["tensorflow", "cntk", "theano", "mxnet", "jax", "torch"])
def test_without_a_gpu_it_says_what_was_asked_for_and_what_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, backend: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError) as error:
        devices.prove(backend, "gpu", "1.0")
    for part in ("KASV_DEVICE=gpu", f"{backend} 1.0", "no answer from nvidia-smi", "cuDNN"):
        assert part in str(error.value)


@pytest.mark.usefixtures("stand_in")
def test_the_driver_is_named_where_there_is_one() -> None:
    assert devices.found().startswith("NVIDIA Stand-in with driver 580.65.06, CUDA runtime")


@pytest.mark.usefixtures("stand_in")
def test_the_meter_reads_memory_and_power() -> None:
    import time

    with devices.Meter("gpu") as meter:
        time.sleep(0.5)
    assert meter.memory == 3072 * 2**20
    assert meter.power == 150.0


def test_the_meter_does_nothing_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with devices.Meter("cpu") as meter:
        pass
    assert (meter.memory, meter.power) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, None)),
        ("[N/A], [N/A]\n", (None, None)),
        ("100, 50\n200, 70\n3", (200 * 2**20, 60.0)),
        ("No devices were found\n", (None, None)),
    ],
)
def test_samples_are_summarised(text: str, expected: tuple[int | None, float | None]) -> None:
    assert devices.summarise(text) == expected
