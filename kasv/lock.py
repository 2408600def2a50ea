"""Locks that travel in time: a release's dependencies as they stood on its own date, with hashes.

What goes in stands in the backends' TOML files (requires, overrides, date, Python), so the same
command gives the same lock again. Only two things are exempt from the date: asv's runner, which is
the same everywhere, and the tools that build source archives, which must be able to.
"""

import re
import subprocess
import tempfile
import tomllib
import urllib.parse
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import tomlkit
from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import canonicalize_name
from packaging.version import Version
from tomlkit.items import KeyType, SingleKey, String, StringType, Table, Trivia
from uv import find_uv_bin

from kasv import files, index
from kasv.errors import KasvError
from kasv.releases import FOLDER, Gpu, Release

PLATFORM = "x86_64-manylinux_2_28"

# Setuptools and wheel are never older than this: the last ones for Python 3.6, and with setuptools
# of 2017 no build front end of today works.
_BUILD_TOOLS = ("setuptools", "wheel")
_BUILD_TOOLS_SINCE = datetime(2022, 1, 1, tzinfo=UTC)

# What asv needs to run the suite. asv_runner declares Python >= 3.7 but runs on 3.6, so it is never
# resolved; importlib_metadata and what it needs are for Pythons that have no importlib.metadata.
_RUNNER = {
    "asv-runner==0.3.2": "b4a4360abe63d64cd0ab4a28377b56ff4e2c13b6760bd0c8062feb4a6a5642fb",
}
_RUNNER_BEFORE_38 = {
    "importlib-metadata==4.8.3": "65a9576a5b2d58ca44d133c42a241905cc45e34d2c06fd5ba2bafa221e5d7b5e",
    "typing-extensions==4.1.1": "21c85e0fe4b9a155d0799430b0ad741cdce7e359660ccbd8b530613e8df88ce2",
    "zipp==3.6.0": "9fe5ea21568a0a70e50f273397638d39b03353731e6cbbb3fd8502a33fec40bc",
}

# What PyTorch's wheels pull in and a CPU has no use for. Their CUDA libraries cannot be spared:
# libtorch_cuda.so is linked to them, and without them `import torch` fails.
_GPU_ONLY = ("triton", "cuda-bindings", "cuda-pathfinder")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Release)}


def resolve(release: Release, interpreter: Path, device: str = "cpu") -> str:
    """Resolve a release's lock as of the end of its day (UTC) for `cpu` or `gpu`.

    Raises:
        KasvError: uv finds no solution, or the index cannot be reached; carries uv's words.
    """
    form = _form(release, device)
    environment = index.uv_environment(links=any("+" in text for text in form.requires))
    with tempfile.TemporaryDirectory(prefix="kasv-lock-") as folder:
        command = _compile_command(release, interpreter, device, Path(folder))
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise KasvError(
            f"{release.tag}: no lock for {device} as of {release.date:%Y-%m-%d}; "
            f"change its requires or overrides in {release.backend}.toml, or check the network:\n"
            f"{done.stderr.strip()}"
        )
    try:
        lines = parse(done.stdout, release.python)
    except ValueError as error:
        raise KasvError(f"{release.tag}: uv's lock cannot be used: {error}") from error
    if device == "cpu":
        lines = {name: line for name, line in lines.items() if name not in _GPU_ONLY}
    return "".join(f"{line}\n" for _, line in sorted((_runner(release.python) | lines).items()))


def _form(release: Release, device: str) -> Release | Gpu:
    if device == "cpu":
        return release
    if release.gpu is None:
        raise KasvError(f"{release.tag} has no table `gpu` that says what to lock for one")
    return release.gpu


def _compile_command(
    release: Release, interpreter: Path, device: str, folder: Path
) -> list[str | Path]:
    """Write uv's inputs into a folder and return the command that resolves them."""
    form = _form(release, device)
    wanted, overrides = folder / "requires.in", folder / "overrides.txt"
    wanted.write_text("".join(f"{line}\n" for line in form.requires))
    overrides.write_text("".join(f"{o.requirement}\n" for o in form.overrides))
    return [
        find_uv_bin(),
        *("pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-config"),
        *("--format", "pylock.toml", "--python", interpreter, "--python-platform", PLATFORM),
        *("--overrides", overrides),
        *_cutoffs(release, device),
        wanted,
    ]


def _cutoffs(release: Release, device: str) -> Iterator[str]:
    """Yield uv's options that hide what was uploaded after the release's day."""
    cutoff = _end_of_day(release.date)
    yield from ("--exclude-newer", _stamp(cutoff))
    for name in _BUILD_TOOLS:
        yield from ("--exclude-newer-package", f"{name}={_stamp(max(cutoff, _BUILD_TOOLS_SINCE))}")
    if device == "gpu" and release.gpu:
        for name, moment in _late(release, release.gpu, cutoff):
            yield from ("--exclude-newer-package", f"{name}={_stamp(moment)}")


def _late(release: Release, gpu: Gpu, cutoff: datetime) -> Iterator[tuple[str, datetime]]:
    """Yield the pinned GPU builds that came out after the release's day, and until when to look."""
    for name, version in pinned(gpu.requires):
        uploaded = index.uploads(name, release.python).get(version, cutoff)
        if uploaded > cutoff:
            yield name, _end_of_day(uploaded)


def pinned(requires: Iterable[str]) -> Iterator[tuple[str, Version]]:
    """Yield the name and version of each requirement of the form `name==version`."""
    for text in requires:
        requirement = Requirement(text)
        specifiers = list(requirement.specifier)
        if len(specifiers) == 1 and specifiers[0].operator == "==":
            yield requirement.name, Version(specifiers[0].version)


def _end_of_day(moment: datetime) -> datetime:
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _runner(python: str) -> dict[str, str]:
    pins = _RUNNER | (_RUNNER_BEFORE_38 if Version(python) < Version("3.8") else {})
    return {pin.partition("==")[0]: f"{pin} --hash=sha256:{digest}" for pin, digest in pins.items()}


def parse(pylock: str, python: str) -> dict[str, str]:
    """Read a PEP 751 lock: map each package's name to its line of a release's lock.

    Raises:
        ValueError: a name, a version or a hash is not one, or a package has no file to install.
    """
    tags = index.supported_tags(python)
    try:
        packages = tomllib.loads(pylock)["packages"]
        return dict(_line(package, tags) for package in packages)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not as PEP 751 says: {error!r}") from error


def _line(package: dict[str, Any], tags: frozenset[Tag]) -> tuple[str, str]:
    name = canonicalize_name(package["name"], validate=True)
    version = Version(package["version"])
    hashes = sorted(_hashes(package, tags))
    if not hashes:
        raise ValueError(f"{name} {version} has no file for x86-64 Linux")
    return name, " ".join([f"{name}=={version}", *(f"--hash=sha256:{h}" for h in hashes)])


def _hashes(package: dict[str, Any], tags: frozenset[Tag]) -> set[str]:
    """Return the SHA-256 of each installable wheel, else of the source archive."""
    wheels = [f for f in package.get("wheels", []) if index.wheel_fits(_file_name(f), tags)]
    source = [package["sdist"]] if "sdist" in package else []
    return {_sha256(file) for file in wheels or source}


def _file_name(file: dict[str, Any]) -> str:
    name = file.get("name") or urllib.parse.urlsplit(file["url"]).path.rpartition("/")[2]
    return urllib.parse.unquote(str(name))


def _sha256(file: dict[str, Any]) -> str:
    value = file["hashes"]["sha256"]
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError(f"{_file_name(file)} has no SHA-256")
    return value


def write(backend: str, releases: Iterable[Release], folder: Path = FOLDER) -> None:
    """Write a backend's TOML file in its one canonical form, oldest release first."""
    document = tomlkit.document()
    for release in sorted(releases, key=lambda r: (r.date, Version(r.version), r.tag)):
        document.add(SingleKey(release.tag, KeyType.Basic), _table(release))
    files.write(folder / f"{backend}.toml", tomlkit.dumps(document))


def _table(release: Release) -> Table:
    table = tomlkit.table()
    for field in ("version", "date", "python", "keras", "keras_module", "reports", "unroll"):
        value = getattr(release, field)
        if value != _DEFAULTS.get(field):
            table.add(field, value)
    _add_pins(table, release)
    if release.gpu is not None:
        gpu = tomlkit.table().add("cuda", release.gpu.cuda).add("cudnn", release.gpu.cudnn)
        table.add("gpu", _add_pins(gpu, release.gpu))
    return table


def _add_pins(table: Table, form: Release | Gpu) -> Table:
    table.add("requires", form.requires)
    if form.overrides:
        overrides = tomlkit.array().multiline(True)
        for override in form.overrides:
            entry = tomlkit.inline_table()
            entry.update(msgspec.structs.asdict(override))
            overrides.append(entry)
        table.add("overrides", overrides)
    # Made by hand: tomlkit.string() would begin the lock on the line of its opening quotes.
    table.add("lock", String(StringType.MLL, form.lock, f"\n{form.lock}", Trivia()))
    return table
