"""Record the conditions of each release that `asv run` measures: before it, and after it.

What was found before lies on disk until the end: with `--parallel`, asv installs a release in a
process of its own, and a run that was interrupted goes on in another one.
"""

import os
import subprocess
import time
import uuid
from pathlib import Path

import msgspec
from asv.console import log
from asv.results import get_filename

from kasv import calibration, conditions, facts, results
from kasv.conditions import Calibration, Conditions, Session
from kasv.errors import KasvError
from kasv.facts import Facts, Ticks


class _Begun(msgspec.Struct, frozen=True):
    """What was found before a release; `run` names the run of asv that measures it."""

    run: str
    started_at: conditions.Moment
    facts: Facts
    ticks: Ticks | None
    before: Calibration | None


class Recorder:
    """Records the sessions of one environment on one machine."""

    def __init__(self, folder: Path, machine: Path | None, environment: str, device: str) -> None:
        """Keep what is begun in a folder; `machine` is the results' one, None without results."""
        self._folder = folder
        self._machine = machine
        self._environment = environment
        self._device = device
        self._run = uuid.uuid4().hex

    def begin(self, commit: str, *, resumes: bool) -> None:
        """Look at the machine before a release is measured.

        `resumes`: an interrupted run's results will be used, so that the session began with it.
        """
        if self._machine is None:
            return
        path = self._folder / f"{commit}.json"
        begun = _Begun(self._run, _now(), facts.gather(self._device), facts.ticks(), _calibrate())
        earlier = _read(path) if resumes else None
        if earlier is not None and earlier.facts.cpuid == begun.facts.cpuid:
            begun = msgspec.structs.replace(
                begun, started_at=earlier.started_at, before=earlier.before
            )
        try:
            conditions.write(path, begun)
        except OSError as error:
            log.warning(f"the machine's facts could not be kept: {error}")

    def end(self) -> None:
        """Look at the machine after each release of this run whose results asv has stored."""
        for path in self._folder.glob("*.json"):
            begun = _read(path)
            if self._machine is None or begun is None or begun.run != self._run:
                continue
            result = Path(get_filename(str(self._machine), path.stem, self._environment))
            try:
                if result.exists() and _store(result, begun):
                    path.unlink()
            except (KasvError, OSError) as error:
                log.warning(f"the machine's facts could not be stored: {error}")


def _store(result: Path, begun: _Begun) -> bool:
    """End the session if its result file has rows of it; drop sessions that no row is left of."""
    figures = results.load_file(result)
    moments = {figure.started_at for figure in figures if figure.started_at is not None}
    if not any(moment >= begun.started_at for moment in moments):
        return False
    after, ticks = _calibrate(), facts.ticks()
    steal = facts.steal(begun.ticks, ticks)
    session = Session(begun.started_at, _now(), begun.facts, steal, begun.before, after)
    path = conditions.path_of(result)
    kept = [s for s in (*_earlier(path), session) if any(map(s.includes, moments))]
    first = figures[0]
    conditions.write(path, Conditions(first.machine, first.commit, first.variables, tuple(kept)))
    return True


def _earlier(path: Path) -> tuple[Session, ...]:
    try:
        return conditions.read(path).sessions if path.exists() else ()
    except KasvError as error:
        log.warning(f"{error}; replaced")
        return ()


def _now() -> int:
    return int(time.time() * 1000)


def _calibrate() -> Calibration | None:
    """Time the fixed computation, unless the trainings of two runs take turns just now."""
    if "KASV_TURNS" in os.environ:
        return None
    try:
        return Calibration(*calibration.measure(facts.training_core()))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        log.warning(f"the machine's speed could not be measured: {error}")
        return None


def _read(path: Path) -> _Begun | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Begun)
    except (OSError, ValueError):
        return None
