"""The processor's account of an epoch: what this process used of it, and what others did."""

import os
import resource
import sys


def snapshot():
    """Return (own, busy, all) processor seconds so far; the last two None without /proc.

    `busy` and `all` are the whole machine's, over all its cores. Time that a hypervisor gave to
    other guests (steal) counts as busy: it was as little ours as another process's.
    """
    return (own_seconds(), *machine_seconds("/proc/stat"))


def own_seconds():
    """Return the processor seconds of this process and of the children it has waited for."""
    times = os.times()
    return times[0] + times[1] + times[2] + times[3]


def machine_seconds(path):
    """Return the machine's (busy, all) processor seconds from a file like /proc/stat."""
    try:
        with open(path) as file:
            fields = file.readline().split()
    except OSError:
        return None, None
    # user nice system idle iowait irq softirq steal; guests' time is within user's
    ticks = [int(field) for field in fields[1:9]]
    per_second = float(os.sysconf("SC_CLK_TCK"))
    return (sum(ticks) - ticks[3] - ticks[4]) / per_second, sum(ticks) / per_second


def between(before, after):
    """Return the account of what lies between two snapshots, as an epoch's record keeps it."""
    own, busy, machine = (
        None if first is None else second - first for first, second in zip(before, after)
    )
    return {"cpu_seconds": own, "busy_seconds": busy, "machine_seconds": machine}


def peak_memory():
    """Return this process's largest resident memory so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
