"""All environments together: build them side by side, diagnose what is missing, prune the rest."""

import ctypes
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from kasv import build, interpreters, releases
from kasv.errors import KasvError
from kasv.history import History
from kasv.releases import BACKENDS, Gpu, Release

# Installed sizes run from 0.2 GB (MXNet 0.11) to 1.6 GB (TensorFlow 2.12); PyTorch's are larger.
_DISK_NEEDED = 2 * 10**9


def select(names: Sequence[str]) -> list[Release]:
    """Return the releases that tags or ranges name; a branch means all of it; none means all."""
    history = History(releases.load(), BACKENDS)
    if not names:
        return list(history.by_date)
    chosen = {release.tag for name in names for release in history.range(_spec(name))}
    return [release for release in history.by_date if release.tag in chosen]


def _spec(name: str) -> str:
    return name if name in BACKENDS or ".." in name or name.endswith("^!") else f"{name}^!"


def build_all(
    chosen: Iterable[Release], device: str, env_dir: Path, jobs: int
) -> dict[str, KasvError]:
    """Build environments side by side with a progress bar; return what failed, by tag."""
    failed: dict[str, KasvError] = {}
    with ThreadPoolExecutor(jobs) as pool:
        tasks = {pool.submit(build.build, r, device, env_dir): r.tag for r in chosen}
        progress = tqdm(as_completed(tasks), total=len(tasks), unit="environment")
        try:
            for task in progress:
                progress.set_postfix_str(tasks[task])
                error = task.exception()
                if isinstance(error, KasvError):
                    failed[tasks[task]] = error
                elif error:
                    raise error
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return failed


def diagnose(chosen: Iterable[Release], device: str, env_dir: Path) -> str:
    """Return a table: each release, whether it can run here, and what would change that."""
    rows = [(release.tag, *_diagnosis(release, device, env_dir)) for release in chosen]
    return tabulate(rows, headers=("release", "can run", "what to do"))


def _diagnosis(release: Release, device: str, env_dir: Path) -> tuple[str, str]:
    try:
        release.lock_for(device)
        if device == "gpu" and release.gpu:
            _check_gpu(release, release.gpu)
        if build.is_built(release, device, env_dir):
            return "yes", ""
        interpreters.find(release.python, shared=release.backend == "cntk")
        _check_compiler(release)
        _check_disk(env_dir)
    except KasvError as error:
        return "no", str(error)
    return "yes", "`asv run` builds it first"


def _check_compiler(release: Release) -> None:
    needed = {"cntk": ("cc", "gcc"), "theano": ("g++",)}.get(release.backend)
    if needed and not any(map(shutil.which, needed)):
        raise KasvError("no C++ compiler on PATH; Debian: `apt-get install g++`")


def _check_gpu(release: Release, gpu: Gpu) -> None:
    """Look for the driver, and for CUDA where neither the lock nor a wheel brings it along."""
    needed = f"CUDA {gpu.cuda} and cuDNN {gpu.cudnn}"
    if not shutil.which("nvidia-smi"):
        raise KasvError(f"no nvidia-smi on PATH; install NVIDIA's driver ({needed} needed)")
    brought = release.backend == "cntk" or "\nnvidia-cuda-runtime" in gpu.lock
    if not brought and not _can_load(library := _runtime_library(gpu.cuda)):
        raise KasvError(
            f"{library} cannot be loaded; install {needed}, and name their folder in "
            "LD_LIBRARY_PATH"
        )


def _runtime_library(cuda: str) -> str:
    """Return the file name of CUDA's runtime, which all of CUDA 11 share."""
    return f"libcudart.so.{'11.0' if cuda.startswith('11.') else cuda}"


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _check_disk(env_dir: Path) -> None:
    existing = next(
        path for path in (env_dir.absolute(), *env_dir.absolute().parents) if path.exists()
    )
    free = shutil.disk_usage(existing).free
    if free < _DISK_NEEDED:
        raise KasvError(f"{free / 1e9:.1f} GB free at {existing}; free 2 GB or set env_dir")


def prune(env_dir: Path) -> list[Path]:
    """Remove environments of releases or locks that are no more; return their folders.

    Raises:
        KasvError: a run is measuring with these environments.
    """
    if not env_dir.is_dir():
        return []
    with build.reserve(env_dir):
        return _prune(env_dir)


def _prune(env_dir: Path) -> list[Path]:
    known = releases.load()
    current = {
        build.folder(release, device, env_dir)
        for release in known
        for device in ("cpu", "gpu")
        if build.is_built(release, device, env_dir)
    }
    outdated = [path for path in build.environments(env_dir) if path not in current]
    for path in outdated:
        shutil.rmtree(path)
    return [*outdated, *build.remove_left_over(env_dir)]
