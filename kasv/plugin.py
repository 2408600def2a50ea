"""What `asv.conf.json` names as its plugin: importing it registers kasv's classes with asv."""

from kasv import environment, processes, publishing, repo
from kasv.pages import publisher

__all__ = ["environment", "publisher", "repo", "setup"]


def setup() -> None:
    """Prepare asv's process; asv calls this before the command."""
    processes.bind_children()
    publishing.take_over()
