"""The processor's cores: those a training may use, and the account of who used them in an epoch."""

import os
import resource
import sys


def pin(threads):
    """Let this process, and all it starts, use as many cores as it has threads; the last ones.

    Every backend reads some setting of its threads, and none reads one that holds for all that it
    does: CNTK takes two cores whatever it is told. Cores hold for all of them. Which cores there
    are to choose from is `asv run --cpu-affinity`'s to say. Only Linux can do this.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < threads:
        raise RuntimeError(
            "KASV_THREADS is {}, but this process may use {} cores: lower it, or allow more "
            "(asv run --cpu-affinity)".format(threads, len(allowed))
        )
    os.sched_setaffinity(0, allowed[-threads:])


def snapshot():
    """Return (own, busy, all) processor seconds so far; the last two None without /proc.

    `busy` and `all` are those of the cores that this process may use. Time that a hypervisor gave
    to other guests (steal) counts as busy: it was as little ours as another process's.
    """
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    return (own_seconds(), *core_seconds("/proc/stat", cores))


def own_seconds():
    """Return the processor seconds of this process and of the children it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def core_seconds(path, cores):
    """Return (busy, all) processor seconds of these cores from a file like /proc/stat."""
    names = {"cpu{}".format(core) for core in cores}
    try:
        with open(path) as file:
            lines = [line.split() for line in file]
    except OSError:
        return None, None
    # user nice system idle iowait irq softirq steal; guests' time is within user's
    ticks = [[int(field) for field in line[1:9]] for line in lines if line[0] in names]
    per_second = float(os.sysconf("SC_CLK_TCK"))
    busy = sum(sum(core) - core[3] - core[4] for core in ticks)
    return busy / per_second, sum(map(sum, ticks)) / per_second


def between(before, after):
    """Return the account of what lies between two snapshots, as an epoch's record keeps it."""
    own, busy, cores = (
        None if first is None else second - first for first, second in zip(before, after)
    )
    return {"cpu_seconds": own, "busy_seconds": busy, "core_seconds": cores}


def peak_memory():
    """Return this process's largest resident memory so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
