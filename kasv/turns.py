"""Turns for the epochs of two trainings at once: one works, the other waits.

Each side connects to a socket of its own, says what it trains, and waits. Trainings of the same
thing then have one turn after the other: each epoch follows one of the other side, whose data it
finds in the processor's caches. Who begins changes from training to training.
"""

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

SIDES = ("a", "b")


class Turns:
    """Gives turns while it is entered; its sockets `a` and `b` lie in a folder."""

    def __init__(self, folder: Path, on_turn: Callable[[], object]) -> None:
        """Listen in the folder; call `on_turn` after each turn."""
        self.has_arrived = threading.Event()  # set once side a has come for its first turn
        self._on_turn = on_turn
        self._listeners = [_listen(folder / side) for side in SIDES]
        self._waiting: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        """Give no more turns: who waits for one, or comes to, learns that there is no other."""
        for one in (*self._listeners, *self._waiting):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as listeners:
            for one in self._listeners:
                listeners.enter_context(one)
            for first in itertools.cycle((0, 1)):
                self._serve_pair(first)

    def _serve_pair(self, first: int) -> None:
        with contextlib.ExitStack() as connections:
            self._waiting.clear()
            names = []
            for listener in self._listeners:
                connection = connections.enter_context(listener.accept()[0])
                self.has_arrived.set()
                self._waiting.append(connection)
                names.append(_line(connection))
            if names[0] == names[1]:
                self._alternate(self._waiting[first], self._waiting[1 - first])

    def _alternate(self, *connections: socket.socket) -> None:
        """Give turns until a side has ended."""
        for connection in itertools.cycle(connections):
            try:
                connection.sendall(b"t")
                if not connection.recv(1):
                    return
            except OSError:
                return
            self._on_turn()


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def _line(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as file:
        return file.readline()  # all that a side says before its first turn
