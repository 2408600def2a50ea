"""No process outlives the one that started it, however that ends.

A training left behind by a killed `asv run` would disturb the next one for up to two days.
"""

import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # Linux's prctl: the signal to get when the parent dies
_LIBC = ctypes.CDLL(None)


def bind_children() -> None:
    """Have what this process forks from now on die with it, and SIGTERM end it as SIGINT does.

    asv then stops what it runs and cleans up. It is for a process that is asv's: a fork, or a
    `subprocess` with a `preexec_fn`, as all of asv's are, runs these hooks.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parents: deque[int] = deque(maxlen=1)
    os.register_at_fork(
        before=lambda: parents.append(os.getpid()), after_in_child=lambda: _begin(parents[-1])
    )


def _begin(parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with(parent)


def bound() -> Callable[[], None]:
    """Return a `preexec_fn` for a process that is to die with this one."""
    parent = os.getpid()
    return lambda: _die_with(parent)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was faster
            os.kill(os.getpid(), signal.SIGKILL)
