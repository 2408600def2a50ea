"""What this machine is at the moment: facts that explain a measurement.

Each comes from where Linux or nvidia-smi tells it, and is left out where it cannot be read: a
virtual machine hides some of them, another system all.
"""

import contextlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

_PROC = Path("/proc")
_SYSTEM = Path("/sys")
_SMI_TIMEOUT_S = 30
_MAX_LENGTH = 200
_MAX_ANSWER = 100_000  # bytes

Text = Annotated[str, msgspec.Meta(max_length=_MAX_LENGTH)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Gpu(msgspec.Struct, frozen=True):
    """A card as nvidia-smi names it."""

    name: Text
    uuid: Text
    driver: Text


class Facts(msgspec.Struct, frozen=True):
    """What a machine is; what could not be read is empty or None.

    `processor` is the model's name, which hypervisors shorten; `cpuid` says which silicon it is:
    `AuthenticAMD family 23 model 1 stepping 2`. `megahertz` is the clock of the core that trains.
    """

    processor: Text
    cpuid: Text
    cores: Count
    microcode: Text
    kernel: Text
    governor: Text | None = None
    megahertz: Annotated[float, msgspec.Meta(gt=0, lt=1e6)] | None = None
    gpus: tuple[Gpu, ...] = ()


class Ticks(msgspec.Struct, frozen=True):
    """The clock ticks of some cores since the start: those given to other guests, and all."""

    stolen: int
    total: int


def gather(device: str) -> Facts:
    """Return this machine's facts; its GPUs' only where the device is `gpu`."""
    core = training_core()
    about = _cpuinfo(_PROC / "cpuinfo", core)
    return Facts(
        processor=about.get("model name", "")[:_MAX_LENGTH],
        cpuid=cpuid(about),
        cores=os.cpu_count() or 1,
        microcode=about.get("microcode", "")[:_MAX_LENGTH],
        kernel=f"{platform.system()} {platform.release()}"[:_MAX_LENGTH],
        governor=_governor(_SYSTEM, core),
        megahertz=_megahertz(about),
        gpus=gpus() if device == "gpu" else (),
    )


def training_core() -> int:
    """Return the core that a training of one thread is pinned to: the last allowed one."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {0}
    return max(allowed)


def _cpuinfo(path: Path, core: int) -> dict[str, str]:
    """Return what a file like /proc/cpuinfo says of a core, or nothing."""
    try:
        blocks = path.read_text(encoding="utf-8", errors="replace").split("\n\n")
    except OSError:
        return {}
    for block in blocks:
        pairs = (line.partition(":") for line in block.splitlines())
        about = {key.strip(): value.strip() for key, _, value in pairs}
        if about.get("processor") == str(core):
            return about
    return {}


def cpuid(about: dict[str, str]) -> str:
    """Return the numbers that tell processors of one name apart, or an empty string."""
    fields = ("vendor_id", "cpu family", "model", "stepping")
    if not all(field in about for field in fields):
        return ""
    vendor, family, model, stepping = (about[field] for field in fields)
    return f"{vendor} family {family} model {model} stepping {stepping}"[:_MAX_LENGTH]


def this_cpuid() -> str:
    """Return this machine's `cpuid`."""
    return cpuid(_cpuinfo(_PROC / "cpuinfo", training_core()))


def _megahertz(about: dict[str, str]) -> float | None:
    try:
        clock = float(about.get("cpu MHz", ""))
    except ValueError:
        return None
    return clock if 0 < clock < 1e6 else None


def _governor(system: Path, core: int) -> str | None:
    path = system / f"devices/system/cpu/cpu{core}/cpufreq/scaling_governor"
    try:
        return path.read_text(encoding="ascii").strip()[:_MAX_LENGTH]
    except (OSError, ValueError):
        return None


def ticks(path: Path = _PROC / "stat") -> Ticks | None:
    """Return the ticks of the core that trains, or None where they cannot be read."""
    name = f"cpu{training_core()}"
    try:
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        # user nice system idle iowait irq softirq steal; guests' time is within user's
        ((*others, stolen),) = [map(int, line[1:9]) for line in lines if line[0] == name]
    except (OSError, ValueError, IndexError):
        return None
    return Ticks(stolen, sum(others) + stolen)


def steal(before: Ticks | None, after: Ticks | None) -> float | None:
    """Return the share of a core's time that a hypervisor gave to other guests."""
    if before is None or after is None or after.total <= before.total:
        return None
    return min(1.0, max(0.0, (after.stolen - before.stolen) / (after.total - before.total)))


def gpus() -> tuple[Gpu, ...]:
    """Return the cards that nvidia-smi lists; none where it is missing, fails or hangs."""
    return tuple(_cards(_smi("name,uuid,driver_version").splitlines()))


def _cards(lines: Iterable[str]) -> Iterable[Gpu]:
    for line in lines:
        fields = [field.strip()[:_MAX_LENGTH] for field in line.split(",")]
        if len(fields) == 3:
            yield Gpu(*fields)


def _smi(query: str) -> str:
    """Return nvidia-smi's answer, empty where there is none in time."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, f"--query-gpu={query}", "--format=csv,noheader"]
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
        except OSError:
            return ""
        if _status(process) != 0:
            return ""
        output.seek(0)
        return output.read(_MAX_ANSWER).decode("utf-8", "replace")


def _status(process: subprocess.Popen[bytes]) -> int | None:
    """Return how a process has ended, None if it has not in time: it is killed and left alone.

    One that hangs in its driver cannot be killed, and must not be waited for.
    """
    try:
        return process.wait(_SMI_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        return None
