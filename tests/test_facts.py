"""A machine's facts are read where they can be, and left out where they cannot."""

import os
import subprocess
import time

import pytest

from kasv import calibration, facts
from kasv.facts import Gpu, Ticks

CPUINFO = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 85
model name\t: Intel(R) Xeon(R) CPU @ 2.20GHz
stepping\t: 7
microcode\t: 0x1
cpu MHz\t\t: 2200.000

processor\t: 1
vendor_id\t: GenuineIntel
cpu MHz\t\t: 2199.998
"""


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """Return a function that puts a program called nvidia-smi on the PATH."""

    def put(script: str) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return put


def test_each_core_has_its_own_block(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO)
    about = facts._cpuinfo(path, 0)
    assert facts.cpuid(about) == "GenuineIntel family 6 model 85 stepping 7"
    assert facts._megahertz(about) == 2200.0
    other = facts._cpuinfo(path, 1)
    assert facts.cpuid(other) == ""
    assert facts._megahertz(other) == 2199.998
    assert facts._cpuinfo(path, 2) == facts._cpuinfo(tmp_path / "none", 0) == {}


@pytest.mark.parametrize("clock", ["", "fast", "nan", "-1", "0", "inf", "1e9"])
def test_a_clock_that_is_none(clock):
    assert facts._megahertz({"cpu MHz": clock}) is None


def test_the_governor(tmp_path):
    path = tmp_path / "devices/system/cpu/cpu3/cpufreq/scaling_governor"
    path.parent.mkdir(parents=True)
    path.write_text("powersave\n")
    assert facts._governor(tmp_path, 3) == "powersave"
    assert facts._governor(tmp_path, 2) is None


def test_ticks_are_those_of_the_core_that_trains(tmp_path):
    path = tmp_path / "stat"
    path.write_text(f"cpu 9 9 9 9 9 9 9 9 0 0\ncpu{facts.training_core()} 1 2 3 4 5 6 7 8 9 9\n")
    assert facts.ticks(path) == Ticks(stolen=8, total=36)
    path.write_text("cpu 1\n")
    assert facts.ticks(path) is facts.ticks(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        (Ticks(10, 100), Ticks(15, 200), 0.05),
        (Ticks(10, 100), Ticks(10, 200), 0.0),
        (Ticks(10, 100), Ticks(10, 100), None),
        (Ticks(10, 100), Ticks(1, 50), None),  # started anew
        (Ticks(10, 100), Ticks(9, 101), 0.0),  # Linux may correct it
        (None, Ticks(1, 2), None),
        (Ticks(1, 2), None, None),
    ],
)
def test_steal(before, after, share):
    assert facts.steal(before, after) == share


def test_cards_with_drivers(smi):
    smi("echo 'NVIDIA A10, GPU-1, 550.54'; echo 'NVIDIA A10, GPU-2, 550.54'; echo nonsense")
    assert facts.gpus() == (
        Gpu("NVIDIA A10", "GPU-1", "550.54"),
        Gpu("NVIDIA A10", "GPU-2", "550.54"),
    )


@pytest.mark.parametrize("script", ["echo 'No devices were found'; exit 6", "", "exit 9"])
def test_no_card(smi, script):
    smi(script)
    assert facts.gpus() == ()


def test_an_nvidia_smi_that_cannot_run(tmp_path, smi):
    smi("")
    (tmp_path / "nvidia-smi").write_bytes(b"\x7fELF nothing")
    assert facts.gpus() == ()


def test_a_hanging_nvidia_smi_is_given_up(smi, monkeypatch):
    smi("exec sleep 600")
    monkeypatch.setattr(facts, "_SMI_TIMEOUT_S", 0.2)
    assert facts.gpus() == ()


def test_no_nvidia_smi(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert facts.gpus() == ()


def test_this_machine():
    found = facts.gather("cpu")
    assert found.cores == os.cpu_count()
    assert found.kernel.startswith(os.uname().sysname)
    assert found.gpus == ()


def test_the_calibration_leaves_this_process_on_its_cores():
    allowed = os.sched_getaffinity(0)
    started = time.perf_counter()
    seconds, numpy = calibration.measure(facts.training_core())
    assert 0 < seconds < time.perf_counter() - started
    assert numpy.split(".")[0] >= "2"
    assert os.sched_getaffinity(0) == allowed


def test_a_core_that_is_not_there():
    with pytest.raises(subprocess.CalledProcessError):
        calibration.measure(100_000)
