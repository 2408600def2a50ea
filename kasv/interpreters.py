"""Find the Python interpreters that releases need: on PATH, in pyenv, uv's own, in conda.

A candidate counts only once it has run and said which version it is: a `python3.6` on PATH can be
a pyenv shim that fails, and an interpreter without a shared library cannot load CNTK.
"""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
from uv import find_uv_bin

from kasv.errors import KasvError

_PROBE = """
import json, sys, sysconfig
print(json.dumps({
    "version": "%d.%d" % sys.version_info[:2],
    "executable": sys.executable,
    "shared": bool(sysconfig.get_config_var("Py_ENABLE_SHARED")),
}))
"""


class Interpreter(msgspec.Struct, frozen=True):
    """A Python that ran: its `3.minor` version, its path, and whether it has libpython shared."""

    version: str
    executable: str
    shared: bool


def find(version: str, *, shared: bool = False) -> Interpreter:
    """Return an interpreter of this `3.minor` version, with a shared library if asked.

    Raises:
        KasvError: there is none here; says what would get one.
    """
    for candidate in _candidates(version):
        interpreter = probe(candidate)
        if interpreter and interpreter.version == version and (interpreter.shared or not shared):
            return interpreter
    kind = f"Python {version}" + (" built with --enable-shared" if shared else "")
    raise KasvError(f"no {kind} found on PATH, in pyenv, uv or conda; {remedy(version)}")


def remedy(version: str) -> str:
    """Say which commands would get a Python of this version (CNTK needs its shared library)."""
    pyenv = f"`PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {version}`"
    conda = f"`conda create -n python{version} python={version}`"
    if int(version.partition(".")[2]) < 8:  # uv distributes CPython 3.8 and newer
        return f"get it with {pyenv} or {conda}"
    return f"get it with `uv python install {version}`, {pyenv} or {conda}"


@functools.cache
def probe(candidate: Path) -> Interpreter | None:
    """Run a candidate and return what it says of itself, or None where it cannot."""
    try:
        answer = subprocess.run(
            [candidate, "-I", "-c", _PROBE], capture_output=True, timeout=30, check=True
        )
        return msgspec.json.decode(answer.stdout, type=Interpreter)
    except (OSError, subprocess.SubprocessError, msgspec.DecodeError):
        return None


def _candidates(version: str) -> Iterator[Path]:
    yield from _on_path(version)
    yield from sorted(_pyenv().glob(f"versions/{version}.*/bin/python"), reverse=True)
    yield from _conda()
    yield from _uv(version)


def _on_path(version: str) -> Iterator[Path]:
    for folder in os.get_exec_path():
        for name in (f"python{version}", "python3"):
            path = shutil.which(name, path=folder)
            if path:
                yield Path(path)


def _pyenv() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def _conda() -> Iterator[Path]:
    """Yield the Pythons of the environments that conda keeps a list of."""
    try:
        text = (Path.home() / ".conda" / "environments.txt").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for line in text.splitlines():
        if line.strip():
            yield Path(line.strip()) / "bin" / "python"


def _uv(version: str) -> Iterator[Path]:
    """Yield the interpreters that uv itself has installed."""
    command = [find_uv_bin(), "python", "list", "--only-installed", "--managed-python"]
    answer = subprocess.run(
        [*command, "--output-format", "json", version], capture_output=True, check=False
    )
    if answer.returncode == 0:
        yield from (Path(entry["path"]) for entry in json.loads(answer.stdout) if entry["path"])
