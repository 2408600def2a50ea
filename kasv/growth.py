"""How the history grows: the releases that the package index has and the backends' files lack.

A history has two kinds of release. Of a backend with a Keras of its day, each minor version of the
backend is one; of Keras 3 on a backend, each minor version of Keras. What is new is found by
version alone and takes everything else (Python, overrides, GPU form) from the newest of its kind.
A tag that names a Keras before 3 is a backend's version with another Keras than its day's.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from packaging.requirements import Requirement
from packaging.version import Version

from kasv import index, interpreters, lock
from kasv.errors import KasvError
from kasv.releases import BACKENDS, FOLDER, Gpu, Release, load_file

# How many newer Pythons to try for a version that the newest release's own cannot install.
_PYTHONS_AHEAD = 4
_KERAS_NAMES = ("keras", "keras-mxnet")


class Candidate(NamedTuple):
    """A version that is new: when it came out, and the oldest Python that can install it."""

    version: Version
    uploaded: datetime
    python: str


def check(folder: Path = FOLDER) -> list[str]:
    """Tell what is new on the package index, a line per release.

    Raises:
        KasvError: the index cannot be asked.
    """
    return [f"{_summary(release)} is new" for _, release in _all_new(folder)]


def update(folder: Path = FOLDER) -> list[str]:
    """Add what is new to the backends' files, with its locks; return a line per release added.

    Raises:
        KasvError: the index cannot be asked, or a lock cannot be resolved; what was added before
            stays.
    """
    lines = []
    for backend, release in _all_new(folder):
        held = load_file(folder / f"{backend}.toml")
        lock.write(backend, [*held, locked(release)], folder)
        lines.append(f"added {_summary(release)}")
    return lines


def _all_new(folder: Path) -> list[tuple[str, Release]]:
    return [
        (backend, release)
        for backend in BACKENDS
        for release in find_new(backend, load_file(folder / f"{backend}.toml"))
    ]


def _summary(release: Release) -> str:
    return (
        f"{release.tag} of {release.date:%Y-%m-%d} (Keras {release.keras}, Python {release.python})"
    )


def find_new(backend: str, held: Iterable[Release]) -> list[Release]:
    """Return the releases newer than those held, the newest patch of each minor, not locked yet."""
    found: list[Release] = []
    releases = list(held)
    plain = [r for r in releases if not _is_of_keras_3(r)]
    if plain:
        # Of one version twice, the latter: it has the Keras that was pinned for a reason.
        found += _new_of_backend(sorted(plain, key=lambda r: Version(r.version))[-1])
    of_keras = [r for r in releases if _is_of_keras_3(r)]
    if of_keras:
        found += _new_of_keras(max(of_keras, key=lambda r: Version(r.keras)))
    known = {r.tag for r in releases}
    return [release for release in found if release.tag not in known]


def _is_of_keras_3(release: Release) -> bool:
    return "-keras-" in release.tag and int(release.keras.partition(".")[0]) >= 3


def _new_of_backend(newest: Release) -> Iterator[Release]:
    """Yield a release per newer minor version of the backend, TensorFlow's with a newer Keras."""
    backend = Requirement(newest.requires[0]).name
    for new in _newer(backend, Version(newest.version), newest.python):
        keras = newest.keras
        if newest.backend == "tensorflow" and newest.keras_module == "keras":
            keras = str(_as_of("keras", new))
        yield _successor(newest, f"{newest.backend}-{new.version}", str(new.version), keras, new)


def _new_of_keras(newest: Release) -> Iterator[Release]:
    """Yield a release per newer minor version of Keras, on the newest backend of its day."""
    backend = Requirement(newest.requires[0]).name
    for new in _newer("keras", Version(newest.keras), newest.python):
        version = str(_as_of(backend, new))
        tag = f"{newest.backend}-{version}-keras-{new.version}"
        yield _successor(newest, tag, version, str(new.version), new)


def _newer(project: str, than: Version, python: str) -> list[Candidate]:
    """Return the newest patch of each minor version after a version, oldest first."""
    found: dict[Version, Candidate] = {}
    first = int(python.partition(".")[2])
    for minor in range(first, first + _PYTHONS_AHEAD):
        for version, uploaded in index.uploads(project, f"3.{minor}").items():
            if version > than:
                found.setdefault(version, Candidate(version, uploaded, f"3.{minor}"))
    newest_patch = {version.release[:2]: found[version] for version in sorted(found)}
    return list(newest_patch.values())


def _as_of(project: str, new: Candidate) -> Version:
    """Return a project's newest version on the day of another one, for the same Python."""
    uploads = index.uploads(project, new.python)
    then = [version for version, uploaded in uploads.items() if uploaded <= new.uploaded]
    if not then:
        raise KasvError(
            f"the package index has no {project} for Python {new.python} as of "
            f"{new.uploaded:%Y-%m-%d}: check which index UV_DEFAULT_INDEX names"
        )
    return max(then)


def _successor(newest: Release, tag: str, version: str, keras: str, new: Candidate) -> Release:
    """Return a release like the newest one, of other versions and without its locks."""
    gpu = newest.gpu and msgspec.structs.replace(
        newest.gpu, requires=_repinned(newest.gpu.requires, version, keras), lock=""
    )
    return msgspec.structs.replace(
        newest,
        tag=tag,
        version=version,
        keras=keras,
        reports="",
        date=new.uploaded,
        python=new.python,
        requires=_repinned(newest.requires, version, keras),
        lock="",
        gpu=gpu,
    )


def _repinned(requires: list[str], version: str, keras: str) -> list[str]:
    """Pin other versions: the first requirement is the backend, Keras goes by its name."""
    repinned = [_pin(requires[0], version)]
    for text in requires[1:]:
        is_keras = Requirement(text).name in _KERAS_NAMES
        repinned.append(_pin(text, keras) if is_keras else text)
    return repinned


def _pin(requirement: str, version: str) -> str:
    return f"{requirement.partition('==')[0]}=={version}"


def locked(release: Release) -> Release:
    """Return the release with its locks resolved; raise KasvError where that fails."""
    interpreter = Path(interpreters.find(release.python).executable)
    release = msgspec.structs.replace(release, lock=lock.resolve(release, interpreter))
    if release.gpu is None:
        return release
    gpu = msgspec.structs.replace(release.gpu, lock=lock.resolve(release, interpreter, "gpu"))
    return msgspec.structs.replace(release, gpu=_with_bundled_cuda(gpu, release))


def _with_bundled_cuda(gpu: Gpu, release: Release) -> Gpu:
    """State the CUDA and cuDNN that the lock itself brings along, where it does."""
    pins = msgspec.structs.replace(release, gpu=gpu).pins("gpu")
    return msgspec.structs.replace(
        gpu,
        cuda=_minor_of("nvidia-cuda-runtime", pins) or gpu.cuda,
        cudnn=_minor_of("nvidia-cudnn", pins) or gpu.cudnn,
    )


def _minor_of(prefix: str, pins: dict[str, str]) -> str | None:
    versions = (version for name, version in pins.items() if name.startswith(prefix))
    version = next(versions, None)
    return version and ".".join(version.split(".")[:2])
