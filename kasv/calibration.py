"""How fast this machine is at the moment: a fixed computation, timed on the core that trains.

One part of it is matrix products, which the processor's clock decides; the other is traffic beyond
its caches, which all guests of a host share. It runs in a Python of its own, with one thread. The
best time of each part counts, in processor seconds: the core's speed, whatever else ran on it.

This file is also that Python's program (it prints the answer as JSON), and imports little.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

_REPEATS = 20
_SIDE = 512  # of the matrices, in float32
_LENGTH = 8_000_000  # 32 MB: more than a core's share of any cache
_TIMEOUT_S = 120
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def measure(core: int) -> tuple[float, str]:
    """Return the processor seconds that a core takes now, and numpy's version.

    Raises:
        OSError, ValueError, subprocess.SubprocessError: the computation did not end well.
    """
    foreign = ("OPENBLAS", "OMP", "MKL", "NPY", "PYTHON")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    answer = subprocess.run(
        [sys.executable, "-P", __file__, str(core)],
        env={**environment, **dict.fromkeys(_THREADS, "1")},
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=True,
    )
    seconds, numpy = json.loads(answer.stdout)
    return float(seconds), str(numpy)


def main(core: int) -> None:
    """Pin this process to the core, and print the best time and numpy's version."""
    import numpy as np

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    matrix = np.linspace(0.0, 1.0, _SIDE * _SIDE, dtype=np.float32).reshape(_SIDE, _SIDE)
    product = np.empty_like(matrix)
    numbers = np.linspace(0.0, 1.0, _LENGTH, dtype=np.float32)
    total = np.zeros_like(numbers)
    parts = (
        lambda: np.matmul(matrix, matrix, out=product),
        lambda: np.add(total, numbers, out=total),
    )
    print(json.dumps([sum(map(_best, parts)), np.__version__]))


def _best(part: Callable[[], object]) -> float:
    """Return the fewest processor seconds that a part takes."""
    times = []
    for _ in range(_REPEATS):
        start = time.thread_time()
        part()
        times.append(time.thread_time() - start)
    return min(times)


if __name__ == "__main__":
    main(int(sys.argv[1]))
