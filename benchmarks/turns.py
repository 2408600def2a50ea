"""Taking turns with the same model's training on another release, epoch by epoch.

`kasv interleave` trains two releases at once and lets one of them work at a time. What else goes on
on the machine then hits both alike.
"""

import contextlib
import socket


class Turns:
    """This training's end of the socket over which the host gives it its turns."""

    def __init__(self, path, name):
        """Take turns by the socket at `path`; where that is empty, every moment is ours."""
        self._path = path
        self._name = name
        self._socket = None
        self._is_ours = False

    def wait(self):
        """Wait for the first turn, and see that there is a next.

        Raises:
            RuntimeError: the other training has ended before this one.
        """
        if self._path and self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            with contextlib.suppress(OSError):
                self._socket.connect(self._path)
                self._say(self._name.encode() + b"\n")
        if self._path and not self._is_ours:
            raise RuntimeError("the other release's {} has ended first".format(self._name))

    def done(self):
        """End this turn and wait for the next: this process must not even exit in the other's."""
        if self._socket is not None:
            self._say(b".")

    def _say(self, words):
        """Tell the host and wait for a turn; when there are no more, its end closes."""
        self._is_ours = False
        with contextlib.suppress(OSError):
            self._socket.sendall(words)
            self._is_ours = bool(self._socket.recv(1))
