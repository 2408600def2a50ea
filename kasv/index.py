"""The package index: which versions a project has there, from when, and in which files.

It reads the simple API's JSON form (PEP 691, with PEP 700's upload times) from the same address
that uv resolves with, so that what is new and what is locked come from one place.
"""

import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any

import msgspec
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version
from uv import find_uv_bin

from kasv.errors import KasvError

TIMEOUT_S = 60
_JSON = "application/vnd.pypi.simple.v1+json"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


class File(msgspec.Struct, frozen=True):
    """One file of a project: its name, its version and when it was uploaded, in UTC."""

    name: str
    version: Version
    uploaded: datetime

    @property
    def is_wheel(self) -> bool:
        """Whether the file is a wheel and not a source archive."""
        return self.name.endswith(".whl")


class _RawFile(msgspec.Struct, rename="kebab"):
    filename: str
    upload_time: datetime | None = None
    yanked: bool | str = False


class _RawProject(msgspec.Struct):
    files: list[_RawFile]


def uv_environment() -> dict[str, str]:
    """Return the variables to run uv with: where it has none of its own, pip's index and links."""
    environment = dict(os.environ)
    if "UV_INDEX_URL" not in environment and "PIP_INDEX_URL" in environment:
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    if "PIP_FIND_LINKS" in environment:
        environment.setdefault("UV_FIND_LINKS", ",".join(environment["PIP_FIND_LINKS"].split()))
    return environment


def address() -> str:
    """Return the address of the index that uv resolves with, as uv itself names it."""
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--no-header", "--emit-index-url", "-"]
    done = subprocess.run(
        command, input="", capture_output=True, text=True, env=uv_environment(), check=False
    )
    match = re.search(r"^(?:--index-url|-i) (\S+)$", done.stdout, re.MULTILINE)
    if done.returncode or match is None:
        raise KasvError(
            "uv names no package index: set UV_DEFAULT_INDEX to the index's address\n"
            + done.stderr.strip()
        )
    return match[1].rstrip("/")


def files(project: str) -> tuple[File, ...]:
    """Ask the index for a project's files, oldest first; yanked ones are left out.

    Raises:
        KasvError: the index is unreachable, does not know the project or answers nonsense.
    """
    if not _NAME.fullmatch(project):
        raise KasvError(f"{project[:60]!r} is no package name")
    return parse(project, _fetch(f"{address()}/{canonicalize_name(project)}/"))


def _fetch(url: str) -> bytes:
    if urllib.parse.urlsplit(url).scheme not in ("https", "http"):
        raise KasvError(f"{url}: a package index is asked over https; set UV_DEFAULT_INDEX")
    request = urllib.request.Request(url, headers={"Accept": _JSON})  # noqa: S310  # checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return bytes(answer.read())
    except (OSError, HTTPException) as error:
        raise KasvError(
            f"the package index did not answer {url}: {_reason(error)}; "
            "check the network, or set UV_DEFAULT_INDEX to an index that can be reached"
        ) from error


def _reason(error: Exception) -> Any:
    return error.reason if isinstance(error, urllib.error.URLError) else error


def parse(project: str, answer: bytes) -> tuple[File, ...]:
    """Read the index's JSON answer about a project; files that are not of it are passed over.

    Raises:
        KasvError: the answer is not the simple API's JSON, or lacks upload times (PEP 700).
    """
    try:
        raw = msgspec.json.decode(answer, type=_RawProject)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KasvError(
            f"the package index's answer about {project} is not PEP 691's JSON: {error}; "
            "set UV_DEFAULT_INDEX to an index that speaks it"
        ) from error
    found = [_file(project, item) for item in raw.files if not item.yanked]
    return tuple(sorted((f for f in found if f), key=lambda file: (file.uploaded, file.name)))


def _file(project: str, raw: _RawFile) -> File | None:
    try:
        if raw.filename.endswith(".whl"):
            name, version = parse_wheel_filename(raw.filename)[:2]
        else:
            name, version = parse_sdist_filename(raw.filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None  # eggs, installers and names from before the rules
    if name != canonicalize_name(project):
        return None
    if raw.upload_time is None:
        raise KasvError(
            f"the package index gives no upload time for {raw.filename} (PEP 700): "
            "set UV_DEFAULT_INDEX to an index that does"
        )
    return File(raw.filename, version, raw.upload_time.astimezone(UTC).replace(microsecond=0))


def uploads(found: tuple[File, ...]) -> dict[Version, datetime]:
    """Map each version to the upload time of its first file."""
    first: dict[Version, datetime] = {}
    for file in found:
        first[file.version] = min(file.uploaded, first.get(file.version, file.uploaded))
    return first
