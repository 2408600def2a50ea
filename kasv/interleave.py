"""Measure two releases by two `asv run` at once whose trainings take turns, epoch by epoch.

Rounds of whole processes lie seconds apart, and on a shared machine seconds matter: on the one that
docs/statistics.md describes, epochs next to each other differed half as much as rounds did.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from kasv import processes, significance
from kasv.errors import KasvError
from kasv.metrics import SAMPLED
from kasv.turns import SIDES, Turns

_POLL_SECONDS = 0.2


def measure(tags: tuple[str, str], models: Sequence[str], rounds: int) -> None:
    """Time epochs and steps of the models on both releases in turns; asv stores them as any.

    Raises:
        KasvError: an `asv run` failed; holds what it said.
    """
    total = 2 * rounds * significance.SAMPLES_IN_TURNS * len(models)
    with (
        tempfile.TemporaryDirectory(prefix="kasv-") as name,
        tqdm(total=total, unit="epoch") as progress,
        Turns(Path(name), progress.update) as turns,
    ):
        folder = Path(name)
        runs: list[subprocess.Popen[bytes]] = []
        try:
            for tag, side in zip(tags, SIDES, strict=True):
                runs.append(_start(tag, side, models, rounds, folder))
                _wait(runs, turns.has_arrived.is_set)  # asv's own files are not for two at once
            _wait(runs, lambda: False)
            turns.stop()  # who is left must not wait for a turn
            for run in runs:
                run.wait()
        finally:
            for run in runs:
                run.terminate()
        for tag, side, run in zip(tags, SIDES, runs, strict=True):
            if run.returncode:
                said = _log(folder, side).read_text(encoding="utf-8", errors="replace")
                raise KasvError(f"asv run {tag}^! failed: {said[-2000:]}")


def _start(
    tag: str, side: str, models: Sequence[str], rounds: int, folder: Path
) -> subprocess.Popen[bytes]:
    with _log(folder, side).open("wb") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "asv", "run", "--record-samples"),
                f"--attribute=rounds={rounds * significance.TRAININGS_IN_TURNS}",
                f"--attribute=repeat={significance.EPOCHS_IN_TURNS}",
                rf"--bench=^({'|'.join(models)})\..*\.({'|'.join(sorted(SAMPLED))})\b",
                f"{tag}^!",
            ],
            env={**os.environ, "KASV_TURNS": str(folder / side)},
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=processes.bound(),
        )


def _wait(runs: list[subprocess.Popen[bytes]], is_enough: Callable[[], bool]) -> None:
    """Wait until it is enough, or one of them has ended."""
    while not is_enough() and all(run.poll() is None for run in runs):
        time.sleep(_POLL_SECONDS)


def _log(folder: Path, side: str) -> Path:
    return folder / f"{side}.log"
