"""`asv publish`, with the published site whole at every instant.

asv's own empties the site before it reads a thing, so that one malformed file, a full disk or a
signal leaves none. It calls a plugin's `setup` before that: there this module takes the command
over. It has asv publish a checked copy of the results into a folder beside the site, and exchanges
the two once all is there. A command of ours would have left the other one, which asv's users know,
as it is. Plugins that asv.conf.json names after ours are not loaded then.
"""

import argparse
import ctypes
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from asv.commands import make_argparser
from asv.commands.publish import Publish
from asv.config import Config
from asv.console import log
from asv.util import UserError
from filelock import FileLock

from kasv import checked
from kasv.errors import KasvError

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # Linux's renameat2


def take_over() -> None:
    """Publish and end this process if it is `asv publish`, else do nothing."""
    if "publish" not in sys.argv[1:]:
        return
    arguments = make_argparser()[0].parse_args()  # what asv itself has just parsed
    if arguments.func == Publish.run_from_args:
        publish(Config.load(arguments.config), arguments)
        sys.exit(0)


def publish(conf: Any, arguments: argparse.Namespace) -> None:
    """Do what `asv publish` with these arguments does; what was published stays until the end.

    Raises:
        asv.util.UserError: nothing can be published; says why, and the old site is untouched.
    """
    site = Path(arguments.html_dir or conf.html_dir).resolve()
    work = site.with_name(f".{site.name}.publishing")
    try:
        site.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(site.with_name(f".{site.name}.lock")):
            _recover(site, work)
            try:
                _publish_beside(conf, arguments, work)
                exchange(work / "site", site)
            finally:
                _recover(site, work)
    except OSError as error:
        said = error.strerror or error
        raise UserError(f"{site} stays as it was: {error.filename or ''}: {said}") from error
    except KasvError as error:
        raise UserError(f"{site} stays as it was: {error}") from error
    log.info(f"Published {site}")


def _publish_beside(conf: Any, arguments: argparse.Namespace, work: Path) -> None:
    from kasv.pages import application  # `asv run` loads this module too, and needs no pages

    work.mkdir()
    checked.copy(Path(conf.results_dir), work / "results")
    conf.results_dir, conf.html_dir = str(work / "results"), str(work / "site")
    Publish.run(conf, range_spec=arguments.range, pull=not arguments.no_pull)
    application.escape_tooltips(work / "site")


def exchange(new: Path, old: Path) -> None:
    """Put a folder in another's place at one instant, and the other in its; or just put it there.

    Where Linux or the file system cannot exchange, it is two renames, between which a kill leaves
    the old folder beside: the next publishing puts it back.
    """
    if not old.exists():
        new.rename(old)
        return
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    names = os.fsencode(new), os.fsencode(old)
    if renameat2 and not renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE):
        return
    old.rename(new.with_name("before"))
    new.rename(old)


def _recover(site: Path, work: Path) -> None:
    """Put back what two renames left beside, and remove the rest."""
    before = work / "before"
    if before.exists() and not site.exists():
        before.rename(site)
    shutil.rmtree(work, ignore_errors=True)
