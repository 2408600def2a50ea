"""Build the environment of a release, complete or not at all.

uv installs exactly the release's lock, hashes required, into a folder beside the final one, which
is renamed into place once everything is there. What is built stays until no release names it.
"""

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout
from uv import find_uv_bin

from kasv import index, interpreters, mpi, processes
from kasv.errors import KasvError
from kasv.releases import Release

_MARKER = "kasv-release.json"
_BUILD_TOOLS = Path(__file__).with_name("build_tools.txt")

# What uv says where it asked an index in vain.
_UNREACHABLE = ("error sending request", "failed to fetch")

# What uv says, and what its user can do about it.
_REMEDIES = (
    ("hash mismatch", "a file on the index is not the one that was locked: do not trust it"),
    ("no space left", "free some disk, or set env_dir in asv.conf.json to a larger one"),
    ("error sending request", "check the network; what is in uv's cache needs none"),
    ("network was disabled", "run once with the network to fill uv's cache"),
    ("failed to fetch", "check the network; what is in uv's cache needs none"),
)

_reserved: dict[Path, FileLock] = {}  # a lock that nothing names is released


class Marker(msgspec.Struct, frozen=True):
    """What a complete environment says it holds."""

    tag: str
    device: str
    python: str
    lock: str


def folder(release: Release, device: str, env_dir: Path) -> Path:
    """Return where the release's environment for `cpu` or `gpu` resides."""
    return env_dir / (release.tag if device == "cpu" else f"{release.tag}-{device}")


def is_built(release: Release, device: str, env_dir: Path) -> bool:
    """Tell whether the environment is there, complete, and of this very lock."""
    path = folder(release, device, env_dir)
    try:
        marker = msgspec.json.decode((path / _MARKER).read_bytes(), type=Marker)
    except (OSError, msgspec.DecodeError):
        return False
    return marker == _marker(release, device) and (path / "bin" / "python").exists()


def environments(env_dir: Path) -> list[Path]:
    """Return the folder of every complete environment, of this checkout's releases or not."""
    return sorted(marker.parent for marker in env_dir.glob(f"[!.]*/{_MARKER}"))


def remove_left_over(env_dir: Path) -> list[Path]:
    """Remove the folders in which builds were killed, and return them."""
    removed = []
    for beside in sorted(env_dir.glob(".*.building")):
        lock = FileLock(beside.with_suffix(".lock"), timeout=0)
        with contextlib.suppress(Timeout), lock:  # else it is being built
            shutil.rmtree(beside)
            removed.append(beside)
    return removed


def reserve(env_dir: Path) -> contextlib.AbstractContextManager[object]:
    """Hold a folder of environments until this process, or a `with` block, ends.

    Raises:
        KasvError: another run is measuring with them.
    """
    lock = _reserved.setdefault(env_dir, FileLock(env_dir / ".measuring.lock", timeout=0))
    try:
        return lock.acquire()
    except Timeout:
        raise KasvError(
            f"another run is measuring in {env_dir}, and would be disturbed: wait for it to end"
        ) from None


def build(release: Release, device: str, env_dir: Path) -> Path:
    """Build the release's environment unless it is there; return its folder.

    Safe where two processes build the same one, and when interrupted anywhere.

    Raises:
        KasvError: no interpreter, no network, a wrong hash, no compiler or no disk space; says
            which release, and what to do.
    """
    path = folder(release, device, env_dir)
    try:
        env_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(env_dir / f".{path.name}.lock"):
            if not is_built(release, device, env_dir):
                _build_beside(release, device, path)
    except OSError as error:
        raise KasvError(f"{release.tag}: cannot build {path}: {error.strerror}") from error
    except KasvError as error:
        raise KasvError(f"{release.tag}: {error}") from error
    return path


def _build_beside(release: Release, device: str, path: Path) -> None:
    beside = path.with_name(f".{path.name}.building")
    shutil.rmtree(beside, ignore_errors=True)  # an interrupted build's
    try:
        _fill(release, device, beside)
        (beside / _MARKER).write_bytes(msgspec.json.encode(_marker(release, device)))
        shutil.rmtree(path, ignore_errors=True)  # an outdated lock's
        beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _fill(release: Release, device: str, path: Path) -> None:
    python = interpreters.find(release.python, shared=release.backend == "cntk")
    _uv("venv", "--no-project", "--relocatable", "--python", python.executable, str(path))
    lines = release.lock_for(device).splitlines(keepends=True)
    runner = [line for line in lines if line.startswith("asv-runner==")]
    _install_pins(path, [line for line in lines if line not in runner])
    # It declares 3.7 as its oldest Python, and runs on 3.6.
    _install(path, runner, "--python-version", release.python.replace("3.6", "3.7"))
    if release.backend == "cntk":
        mpi.supply(path)


def _install_pins(path: Path, lock: list[str]) -> None:
    """Install the locked files; a CPU build of PyTorch that no index has is sought at PyTorch's."""
    try:
        _install(path, lock)
    except KasvError as error:
        if not any("+cpu " in line for line in lock):
            raise
        try:
            _install(path, lock, "--torch-backend", "cpu")
        except KasvError as second:
            raise KasvError(f"{error}; at PyTorch's own index: {second}") from second


def _install(path: Path, lock: list[str], *options: str) -> None:
    """Install the locked files and nothing else."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(lock)
        file.flush()
        _uv(
            *("pip", "install", "--python", str(path / "bin" / "python"), *options),
            *("--no-deps", "--require-hashes", "--requirements", file.name),
            *("--build-constraints", str(_BUILD_TOOLS)),
        )


def _marker(release: Release, device: str) -> Marker:
    return Marker(release.tag, device, release.python, release.lock_for(device))


def _uv(*arguments: str) -> None:
    """Run uv, where the index does not answer with its cache alone; raise KasvError if it fails."""
    answer = _run_uv(*arguments)
    if answer.returncode and any(sign in answer.stderr.lower() for sign in _UNREACHABLE):
        offline = _run_uv("--offline", *arguments)
        answer = answer if offline.returncode else offline
    if answer.returncode:
        raise KasvError(_explain(" ".join(arguments[:2]), answer.stderr))


def _run_uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_uv_bin(), *arguments],
        capture_output=True,
        text=True,
        env=index.uv_environment(links=True),
        check=False,
        preexec_fn=processes.bound(),  # else it goes on in a folder that the next build uses
    )


def _explain(command: str, stderr: str) -> str:
    said = " ".join(stderr.split())
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in said.lower()), None)
    return f"`uv {command}` failed: {said[-800:]}" + (f"; {remedy}" if remedy else "")
