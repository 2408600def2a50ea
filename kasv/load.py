"""How quiet this machine is, before a run: who else uses it, what changes its speed, what it costs.

What cannot be read on a machine (another system than Linux, a virtual machine that hides its
processor) is left out: its absence says nothing. The last finding is a measurement: a fixed piece
of work, timed again and again, whose spread tells which differences a run now could show.
"""

import os
import statistics
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import psutil
from numpy.typing import NDArray

from kasv import significance
from kasv.files import printable

_SYSTEM = Path("/sys")
_BUSY_SHARE = 0.05  # of the machine; a benchmark on one of two cores feels less than that
_WATCH_SECONDS = 1.0
_SPIN_SECONDS = 0.2
_SPINS = 30
_SPINS_PER_ROUND = 3  # as many as a round of a small training has steady epochs


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at; `warning` says that it disturbs what is measured now."""

    level: Literal["ok", "warning"]
    subject: str
    text: str


def report(threads: int = 1) -> str:
    """Return what `kasv doctor --machine` prints for a suite that uses this many threads."""
    lines = (f"{_MARKS[f.level]} {f.subject}: {f.text}" for f in findings(threads))
    return "\n".join(lines)


_MARKS = {"ok": "     ok", "warning": "warning"}


def findings(threads: int = 1) -> Iterator[Finding]:
    """Look at everything that can disturb a run, for about ten seconds."""
    yield from cores(threads)
    yield from _load_average()
    yield from others()
    yield from quota(_SYSTEM)
    yield from frequency(_SYSTEM)
    yield from throttling(_SYSTEM)
    yield noise(spin())


def cores(threads: int) -> Iterator[Finding]:
    """Tell whether the suite's threads leave a core to everything else."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = allowed or 1
    text = f"{count} for {threads} thread{'s' if threads > 1 else ''}"
    if count > threads:
        yield Finding("ok", "cores", text)
    else:
        yield Finding("warning", "cores", f"{text}: none is left for asv and the system")


def _load_average() -> Iterator[Finding]:
    if hasattr(os, "getloadavg"):
        one, five, _ = os.getloadavg()
        level: Literal["ok", "warning"] = "warning" if one >= 0.5 else "ok"
        yield Finding(level, "load", f"{one:.2f} over the last minute, {five:.2f} over five")


def others() -> Iterator[Finding]:
    """Tell which processes use the machine for a second, and what the hypervisor takes away."""
    processes = list(psutil.process_iter())
    _cpu_shares(processes)  # the first reading starts the clock of the second
    times = psutil.cpu_times_percent(interval=_WATCH_SECONDS)
    shares = _cpu_shares(processes)
    busiest = sorted(shares.items(), key=lambda item: item[1], reverse=True)[:3]
    total = sum(shares.values())
    named = ", ".join(f"{name} {share:.0%}" for name, share in busiest if share >= 0.01)
    level: Literal["ok", "warning"] = "warning" if total >= _BUSY_SHARE else "ok"
    yield Finding(level, "others", f"use {total:.0%} of the machine" + (named and f" ({named})"))
    stolen = getattr(times, "steal", 0.0) / 100
    if stolen:
        level = "warning" if stolen >= 0.01 else "ok"
        yield Finding(level, "steal", f"the hypervisor gives {stolen:.1%} of it to other guests")


def _cpu_shares(processes: Iterable[psutil.Process]) -> dict[str, float]:
    """Return each other process's share of the whole machine since the last reading."""
    shares = {}
    for process in processes:
        try:
            if process.pid not in (0, os.getpid()):
                share = process.cpu_percent() / 100 / (psutil.cpu_count() or 1)
                shares[f"{printable(process.name())} [{process.pid}]"] = share
        except psutil.Error:  # it has ended, or is hidden from us
            continue
    return shares


def quota(system: Path) -> Iterator[Finding]:
    """Tell whether a control group limits the processor (cgroup v2's and v1's files)."""
    try:
        limit, period = _read(system / "fs/cgroup/cpu.max").split()
    except (OSError, ValueError):
        try:
            limit = _read(system / "fs/cgroup/cpu/cpu.cfs_quota_us")
            period = _read(system / "fs/cgroup/cpu/cpu.cfs_period_us")
        except OSError:
            return
    if limit in ("max", "-1"):
        yield Finding("ok", "quota", "no control group limits the processor")
    else:
        cores = int(limit) / int(period)
        text = f"a control group allows {cores:g} cores: what exceeds them waits in bursts"
        yield Finding("warning", "quota", text)


def frequency(system: Path) -> Iterator[Finding]:
    """Tell whether the processor's clock may change during a run."""
    governors = {_read(p) for p in system.glob("devices/system/cpu/cpu*/cpufreq/scaling_governor")}
    if governors == {"performance"}:
        yield Finding("ok", "frequency", "governor performance")
    elif governors:
        remedy = "`cpupower frequency-set -g performance` keeps it"
        yield Finding("warning", "frequency", f"governor {', '.join(sorted(governors))}: {remedy}")
    for name, on in (("intel_pstate/no_turbo", "0"), ("cpufreq/boost", "1")):
        path = system / "devices/system/cpu" / name
        if path.exists():
            turbo = _read(path) == on
            text = "on: the clock depends on heat and on the other cores" if turbo else "off"
            yield Finding("warning" if turbo else "ok", "turbo", text)


def throttling(system: Path) -> Iterator[Finding]:
    """Tell whether heat has slowed the processor since it was started."""
    pattern = "devices/system/cpu/cpu*/thermal_throttle/*_throttle_count"
    counts = [int(_read(path)) for path in system.glob(pattern)]
    if counts:
        events = max(counts)
        text = f"{events} since the start" if events else "never since the start"
        yield Finding("warning" if events else "ok", "throttled by heat", text)


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()


def spin() -> list[float]:
    """Time the same single-threaded work again and again; return the seconds of each time."""
    work = np.linspace(0.0, 1.0, 50_000, dtype=np.float32)
    passes = _calibrate(work)
    return [_time(work, passes) for _ in range(_SPINS)]


def _calibrate(work: NDArray[np.float32]) -> int:
    """Return how many passes take about `_SPIN_SECONDS`."""
    passes = 10
    while (seconds := _time(work, passes)) < _SPIN_SECONDS / 4:
        passes *= 2
    return max(1, round(passes * _SPIN_SECONDS / seconds))


def _time(work: NDArray[np.float32], passes: int) -> float:
    start = time.perf_counter()
    for _ in range(passes):
        np.tanh(work)
    return time.perf_counter() - start


def noise(seconds: list[float]) -> Finding:
    """Say which differences a run on this machine could show, and what smaller ones would cost."""
    spread = significance.spread(seconds)
    between = statistics.stdev(significance.of_samples(seconds, _SPINS_PER_ROUND).logs)
    rounds = significance.rounds_for(significance.PLANTED, between)
    now = significance.detectable(between, significance.ROUNDS)
    text = (
        f"the same work spreads {spread:.1%}, rounds of it {between:.1%}: with "
        f"{significance.ROUNDS} rounds, differences under {now:.1%} will not be seen; "
        + (f"{rounds} rounds show" if rounds else "no number of rounds under 100 shows")
        + f" {significance.PLANTED:.0%}; `kasv interleave` needs fewer"
    )
    level: Literal["ok", "warning"] = "ok" if now <= significance.PLANTED else "warning"
    return Finding(level, "noise", text)
