"""What `asv.conf.json` names as its plugin: importing it registers kasv's classes with asv."""

from kasv import environment, repo

__all__ = ["environment", "repo"]
