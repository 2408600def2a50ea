"""What `asv.conf.json` names as its plugin: importing it registers kasv's classes with asv."""

from kasv import environment, repo
from kasv.pages import publisher

__all__ = ["environment", "publisher", "repo"]
