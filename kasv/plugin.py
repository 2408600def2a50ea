"""What `asv.conf.json` names as its plugin: importing it registers kasv's classes with asv."""

import sys
from types import TracebackType

from asv.console import log

from kasv import environment, processes, publishing, repo
from kasv.pages import publisher

__all__ = ["environment", "publisher", "repo", "setup"]


def setup() -> None:
    """Prepare asv's process; asv calls this before the command."""
    processes.bind_children()
    sys.excepthook = _tell
    publishing.take_over()


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in a line which file asv could not write or read, as on a full disk; else a traceback."""
    if isinstance(error, OSError) and error.strerror and not log.is_debug_enabled():
        log.error(f"{error.filename or 'asv'}: {error.strerror}; what was measured is kept")
    else:
        sys.__excepthook__(kind, error, trace)
