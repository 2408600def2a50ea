"""Releases as data: what each release of each backend pins, read from `kasv/backends/`.

A release is one version of a backend with the Keras, the Python and the whole dependency set that
it runs with. Each backend's releases stand in one TOML file, oldest first, a table per tag.
"""

import functools
import hashlib
import itertools
import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from kasv.errors import KasvError

BACKENDS = ("tensorflow", "cntk", "theano", "mxnet", "jax", "torch")
FOLDER = Path(__file__).parent / "backends"

_TAG = re.compile(r"[a-z]+-[0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*")  # `..` makes a range
_LONGEST_TAG = 80
_PYTHON = re.compile(r"3\.[0-9]{1,2}")
_LOCK_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[0-9A-Za-z][0-9A-Za-z.!+_-]*)"
    r"(?: --hash=sha256:[0-9a-f]{64})+"
)


class Override(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A requirement that the release's own day would not have chosen, and why it is there."""

    requirement: str
    reason: str


class Gpu(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The form of a release that runs on an NVIDIA GPU: what it needs, and its own lock.

    CNTK's wheels hold CUDA and cuDNN themselves, MXNet's before 1.8 cuDNN; a lock that names
    `nvidia-cuda-runtime` brings both. Else they must be installed.
    """

    requires: list[str]
    cuda: str
    cudnn: str
    lock: str
    overrides: list[Override] = []


class Release(msgspec.Struct, forbid_unknown_fields=True, frozen=True, dict=True):
    """One release: its identity, its pins and its locks.

    `date` is the upload of the newer of backend and Keras, in UTC. `keras` and `reports` are what
    `keras.__version__` and the backend's own `__version__` say once installed; `reports` is empty
    where that is the version itself. `lock` holds one `name==version --hash=sha256:...` a line.
    `unroll` has LSTMs unrolled over time: keras-mxnet 2.2.4 leaves the weights of a loop's alone.
    """

    version: str
    date: datetime
    python: str
    keras: str
    requires: list[str]
    lock: str
    keras_module: Literal["keras", "tensorflow.keras"] = "keras"
    reports: str = ""
    unroll: bool = False
    overrides: list[Override] = []
    gpu: Gpu | None = None
    tag: str = ""

    @property
    def backend(self) -> str:
        """The backend, which is also the branch."""
        return self.tag.partition("-")[0]

    @functools.cached_property
    def commit(self) -> str:
        """A hash of the tag, the Python and every pin: a changed lock is another commit."""
        pins = sorted(f"{name}=={version}" for name, version in self.pins().items())
        pins += ["unroll"] if self.unroll else []
        identity = "\n".join([self.tag, f"python=={self.python}", *pins])
        return hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()

    def pins(self, device: str = "cpu") -> dict[str, str]:
        """Map each locked package's normalised name to its version."""
        return dict(_parse_lock(self.lock_for(device)))

    def lock_for(self, device: str) -> str:
        """Return the lock for `cpu` or `gpu`; raise KasvError where there is none."""
        if device == "cpu":
            return self.lock
        if self.gpu is None:
            raise KasvError(f"{self.tag} has no lock for a GPU: measure it with KASV_DEVICE=cpu")
        return self.gpu.lock

    def facts(self, device: str) -> dict[str, str | bool]:
        """Return what the suite must know of this release, and checks before it believes it."""
        return {
            "tag": self.tag,
            "backend": self.backend,
            "backend_version": self.reports or self.version,
            "keras": self.keras,
            "keras_module": self.keras_module,
            "numpy": self.pins(device)["numpy"],
            "unroll": self.unroll,
        }


def load(folder: Path = FOLDER) -> tuple[Release, ...]:
    """Read every backend's releases, in the order of BACKENDS and oldest first within each.

    Raises:
        KasvError: an entry is malformed; names the file, the release and the field.
    """
    return tuple(r for backend in BACKENDS for r in load_file(folder / f"{backend}.toml"))


def load_file(path: Path) -> tuple[Release, ...]:
    """Read one backend's file; raise KasvError naming file, release and field of a bad entry."""
    if not path.exists():
        return ()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise KasvError(f"{path.name} is not valid TOML: {error}") from error
    releases = tuple(_release(path, tag, table) for tag, table in tables.items())
    _check_order(path, releases)
    return releases


def _release(path: Path, tag: str, table: Any) -> Release:
    try:
        release = msgspec.convert({**_as_table(table), "tag": tag}, Release)
        _check(path.stem, release)
    except (msgspec.ValidationError, ValueError) as error:
        raise KasvError(f"{path.name}: release {tag!r}: {error}") from error
    return release


def _as_table(table: Any) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ValueError("expected a table")
    if "tag" in table:
        raise ValueError("field `tag`: the table's own name is the tag")
    return table


def _check(backend: str, release: Release) -> None:
    """Check what types alone cannot: the fields' forms and what the lock must hold."""
    if not _TAG.fullmatch(release.tag) or release.backend != backend:
        raise ValueError(f"a tag here is `{backend}-` and a version")
    if len(release.tag) > _LONGEST_TAG or release.tag.endswith("-gpu"):
        raise ValueError(f"a tag has up to {_LONGEST_TAG} characters, and only a GPU's folder -gpu")
    for field in ("version", "keras"):
        _check_version(field, getattr(release, field))
    if not _PYTHON.fullmatch(release.python):
        raise ValueError(f"field `python`: {release.python!r} is no 3.minor version")
    if release.date.tzinfo is None:
        raise ValueError("field `date`: a time zone is missing; write it in UTC with a final Z")
    if not 2000 <= release.date.year <= 2100:
        raise ValueError(f"field `date`: {release.date.year} is no year of a release")
    _check_form("", release)
    if release.gpu:
        _check_form("gpu.", release.gpu)


def _check_version(field: str, value: str) -> None:
    try:
        Version(value.removesuffix("-tf"))  # tf.keras of TensorFlow 2.0 to 2.2 calls itself so
    except InvalidVersion:
        raise ValueError(f"field `{field}`: {value!r} is no version") from None


def _check_form(prefix: str, form: Release | Gpu) -> None:
    """Check what uv is given: the requirements, which it resolves, and the lock."""
    for text in form.requires:
        _check_requirement(f"{prefix}requires", text)
    for override in form.overrides:
        _check_requirement(f"{prefix}overrides", override.requirement)
    _check_lock(f"{prefix}lock", form.lock)


def _check_requirement(field: str, text: str) -> None:
    """Let through a name with versions alone: no address, no option, no second line."""
    try:
        if Requirement(text).url is None and text.isprintable():
            return
    except InvalidRequirement:
        pass
    raise ValueError(f"field `{field}`: {text[:60]!r} is no `name==version`")


def _check_lock(field: str, lock: str) -> None:
    try:
        pins = [name for name, _ in _parse_lock(lock)]
    except ValueError as error:
        raise ValueError(f"field `{field}`: {error}") from None
    twice = sorted({name for name in pins if pins.count(name) > 1})
    if twice:
        raise ValueError(f"field `{field}`: pins {', '.join(twice)} more than once")
    missing = {"asv-runner", "numpy"}.difference(pins)
    if missing:
        raise ValueError(f"field `{field}`: does not pin {', '.join(sorted(missing))}")


def _parse_lock(lock: str) -> Iterator[tuple[str, str]]:
    """Yield each pin's normalised name and version; raise ValueError at the first bad line."""
    for line in lock.splitlines():
        match = _LOCK_LINE.fullmatch(line)
        if line and match is None:
            raise ValueError(f"{line[:60]!r} is no `name==version --hash=sha256:...`")
        if match:
            yield canonicalize_name(match["name"]), match["version"]


def _check_order(path: Path, releases: tuple[Release, ...]) -> None:
    for older, newer in itertools.pairwise(releases):
        if older.date > newer.date:
            raise KasvError(
                f"{path.name}: release {newer.tag!r}: field `date`: older than {older.tag!r} "
                "above it; releases stand oldest first"
            )
