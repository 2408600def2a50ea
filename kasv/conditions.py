"""Under which conditions results were measured: `<result>.conditions` beside asv's `<result>.json`.

asv and `kasv.results` read files that end in .json, so that they pass these over. A file holds the
sessions in which the rows of its result were measured: most often one, more where benchmarks were
measured again later. As results do, these files come from other people's machines: each is checked
when it is read, and a malformed one is named and left out.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from asv.console import log

from kasv import files
from kasv.errors import KasvError
from kasv.facts import Facts, Text
from kasv.results import Commit, Figure, Name

SUFFIX = ".conditions"
MOVED = 0.05
MARK = "machine moved"
_MAX_BYTES = 1_000_000

Seconds = Annotated[float, msgspec.Meta(gt=0, lt=1e6)]
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**53)]  # milliseconds since 1970
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Calibration(msgspec.Struct, frozen=True):
    """Processor seconds of the fixed computation, and the numpy that did it."""

    seconds: Seconds
    numpy: Text


class Session(msgspec.Struct, frozen=True):
    """One run's measurement of one release.

    `steal` is the share of the training core's time that the hypervisor gave to other guests.
    `before` and `after` are None where no calibration was possible, as between trainings in turns.
    """

    started_at: Moment
    ended_at: Moment
    facts: Facts
    steal: Share | None
    before: Calibration | None
    after: Calibration | None

    def includes(self, moment: int) -> bool:
        """Tell whether a moment, in milliseconds since 1970, lies in the session."""
        return self.started_at <= moment <= self.ended_at

    @property
    def has_moved(self) -> bool:
        """Tell whether the machine's speed was another after the release than before it."""
        return moved(self.before, self.after)

    @property
    def mark(self) -> str:
        """Return what to show beside this session's figures: `machine moved`, or nothing."""
        return MARK if self.has_moved else ""


class Conditions(msgspec.Struct, frozen=True):
    """The sessions of one result file, which machine, commit and variables name."""

    machine: Name
    commit: Commit
    variables: dict[Name, Name]
    sessions: Annotated[tuple[Session, ...], msgspec.Meta(max_length=100)]
    version: Literal[1] = 1

    def at(self, moment: int) -> Session | None:
        """Return the session of a moment, in milliseconds since 1970."""
        return next((s for s in self.sessions if s.includes(moment)), None)


class Known:
    """What is known of the sessions of many figures."""

    def __init__(self, conditions: Iterable[Conditions]) -> None:
        self._of = {_key(one.machine, one.commit, one.variables): one for one in conditions}

    def of(self, figure: Figure | None) -> Session | None:
        """Return the session that a figure was measured in, None where nothing is known."""
        if figure is None or figure.started_at is None:
            return None
        found = self._of.get(_key(figure.machine, figure.commit, figure.variables))
        return found.at(figure.started_at) if found else None


def _key(machine: str, commit: str, variables: dict[str, str]) -> tuple[object, ...]:
    return machine, commit, frozenset(variables.items())


def moved(before: Calibration | None, after: Calibration | None) -> bool:
    """Tell whether two calibrations differ by more than 5 %; what is unknown has not moved."""
    return abs(math.log(_ratio(before, after) or 1.0)) > math.log1p(MOVED)


def _ratio(before: Calibration | None, after: Calibration | None) -> float | None:
    """Return how much slower the machine was after; None where they do not compare."""
    if before is None or after is None or before.numpy != after.numpy:
        return None
    return after.seconds / before.seconds


def note(before: Session | None, after: Session | None) -> str:
    """Say where the machine itself differed by more than 5 % between two figures, or nothing."""
    a, b = _speed(before), _speed(after)
    if not moved(a, b):
        return ""
    ratio = _ratio(a, b) or 1.0
    slower, side = (ratio, "after") if ratio > 1 else (1 / ratio, "before")
    return f"machine {slower - 1:.0%} slower {side}"


def _speed(session: Session | None) -> Calibration | None:
    """Return the calibration half-way between the start and the end of a session."""
    if session is None:
        return None
    if session.before is None or session.after is None:
        return session.before or session.after
    seconds = math.sqrt(session.before.seconds * session.after.seconds)
    return Calibration(seconds, session.before.numpy)


def path_of(result: Path) -> Path:
    """Return the path of a result file's conditions."""
    return result.with_suffix(SUFFIX)


def load(results_dir: Path) -> Known:
    """Read what is known under asv's results folder; name and leave out each malformed file."""
    return Known(of_machines(results_dir.glob("*")))


def of_machines(folders: Iterable[Path]) -> Iterable[Conditions]:
    """Yield the conditions in machines' folders; name and leave out each malformed file."""
    for path in sorted(path for folder in folders for path in folder.glob(f"*{SUFFIX}")):
        try:
            yield read(path)
        except KasvError as error:
            log.warning(f"{error}; left out")


def read(path: Path) -> Conditions:
    """Read one file.

    Raises:
        KasvError: it is not what kasv writes; names the file and what is wrong with it.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"longer than {_MAX_BYTES} bytes")
        found = msgspec.json.decode(path.read_bytes(), type=Conditions)
        if found.machine != path.parent.name:
            raise ValueError(f"measured on {found.machine!r}, filed under {path.parent.name!r}")
        if not path.name.startswith(f"{found.commit[:8]}-"):
            raise ValueError(f"filed under another release than {found.commit[:8]}")
    except (OSError, RecursionError, ValueError) as error:
        where = "/".join(path.parts[-2:])
        raise KasvError(f"conditions file {where!r} is malformed: {error}") from error
    return found


def write(path: Path, content: msgspec.Struct) -> None:
    """Write a record into a folder that may not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
