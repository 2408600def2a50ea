"""The package index: which versions a project has there, from when, and in which files.

It reads the simple API's JSON form (PEP 691, with PEP 700's upload times) from the same address
that uv resolves with, so that what is new and what is locked come from one place.
"""

import functools
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
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
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
    python: SpecifierSet

    def installs_on(self, python: str, tags: frozenset[Tag]) -> bool:
        """Tell whether a Python whose tags are given can install the file."""
        return self.python.contains(f"{python}.99") and (
            not self.name.endswith(".whl") or wheel_fits(self.name, tags)
        )


class _RawFile(msgspec.Struct, rename="kebab"):
    filename: str
    upload_time: datetime | None = None
    requires_python: str | None = None
    yanked: bool | str = False


class _RawProject(msgspec.Struct):
    files: list[_RawFile]


def uv_environment(*, links: bool = False) -> dict[str, str]:
    """Return the variables to run uv with: where it has none of its own, pip's index and links.

    `links`: look as well where UV_FIND_LINKS or pip's find-links point, for builds that the index
    lacks, as PyTorch's for a CPU. Without it, what lies there cannot change what is chosen.
    """
    environment = dict(os.environ)
    if "UV_INDEX_URL" not in environment and "PIP_INDEX_URL" in environment:
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    if not links:
        environment.pop("UV_FIND_LINKS", None)
    elif "PIP_FIND_LINKS" in environment:
        environment.setdefault("UV_FIND_LINKS", ",".join(environment["PIP_FIND_LINKS"].split()))
    return environment


def address() -> str:
    """Return the address of the index that uv resolves with, as uv itself names it.

    Raises:
        KasvError: uv cannot be run or names none.
    """
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--no-config", "--emit-index-url", "-"]
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


@functools.cache
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
        python = SpecifierSet(raw.requires_python or "")
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion, InvalidSpecifier):
        return None  # eggs, installers and names from before the rules
    if name != canonicalize_name(project):
        return None
    if raw.upload_time is None:
        raise KasvError(
            f"the package index gives no upload time for {raw.filename} (PEP 700): "
            "set UV_DEFAULT_INDEX to an index that does"
        )
    try:
        uploaded = raw.upload_time.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise KasvError(f"the package index gives {raw.filename} an impossible time") from None
    return File(raw.filename, version, uploaded, python)


def wheel_fits(name: str, tags: frozenset[Tag]) -> bool:
    """Tell whether a wheel of this file name can be installed where these tags are supported."""
    try:
        return not tags.isdisjoint(parse_wheel_filename(name)[3])
    except (InvalidWheelFilename, InvalidVersion):
        return False


def supported_tags(python: str) -> frozenset[Tag]:
    """Return the tags of the wheels that a CPython on x86-64 Linux with glibc 2.28 installs."""
    minor = int(python.partition(".")[2])
    abi = f"cp3{minor}" + ("m" if minor < 8 else "")
    platforms = [f"manylinux_2_{n}_x86_64" for n in range(28, 4, -1)]
    platforms += [f"manylinux{name}_x86_64" for name in ("2014", "2010", "1")] + ["linux_x86_64"]
    return frozenset(
        {
            *cpython_tags((3, minor), abis=[abi], platforms=platforms),
            *compatible_tags((3, minor), interpreter=f"cp3{minor}", platforms=platforms),
        }
    )


def uploads(project: str, python: str) -> dict[Version, datetime]:
    """Map each final version that this Python can install to its first such file's upload."""
    tags = supported_tags(python)
    first: dict[Version, datetime] = {}
    for file in files(project):
        if not file.version.is_prerelease and file.installs_on(python, tags):
            first.setdefault(file.version, file.uploaded)
    return first
