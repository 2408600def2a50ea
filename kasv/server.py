"""Run what only reads a training's record in forks of one process, instead of a process each.

A release has some hundred `track_` benchmarks, and a Python that starts asv's runner for each would
take longer than many a training. asv's own fork server does the forking; what trains never runs in
it, because threads and forks do not go together.
"""

import functools
import threading
from pathlib import Path
from typing import Any, Protocol

from asv.runner import ForkServer


class Environment(Protocol):
    """What asv's server needs of the environment that it runs in."""

    env_vars: dict[str, str]

    def run_executable(self, executable: str, args: list[str], **kwargs: Any) -> Any:
        """Run an executable of the active release."""


class _Python:
    """The environment's Python alone, past what its `run` does for a benchmark."""

    def __init__(self, environment: Environment) -> None:
        self.env_vars = environment.env_vars
        self._environment = environment

    def run(self, args: list[str], **kwargs: Any) -> Any:
        return self._environment.run_executable("python", args, **kwargs)


_running: list[ForkServer] = []  # outside the environment, which asv pickles


def run(
    environment: Environment,
    suite_dir: Path,
    benchmark: str,
    parameters: str,
    result: Path,
    cwd: str,
) -> tuple[str, str, int]:
    """Run one benchmark in a fork; return its output, an empty string, and its exit status."""
    if not _running:
        server = ForkServer(_Python(environment), str(suite_dir))
        _running.append(server)
        _watch()
        server.preimport()
    output, status = _running[0].run(benchmark, parameters, "None", str(result), 60, cwd)
    return output, "", status


@functools.cache
def _watch() -> None:
    """Have the last server stopped once the main thread has ended; one thread waits for all.

    An `atexit` would come too late: Python waits for the server's own thread before it.
    """
    threading.Thread(target=_stop_at_exit).start()


def _stop_at_exit() -> None:
    threading.main_thread().join()
    stop()


def stop() -> None:
    """End the server of the release before, if one runs."""
    while _running:
        server = _running.pop()
        server.interrupt()  # it has nothing to say at its end
        server.close()
