"""Describe this machine to asv without its questions, under a name that says which kind it is.

asv looks for this machine in `~/.asv-machine.json` by its host name, files results under the name
that it finds there, and draws one line for each combination of all that the record says. So
`kasv machine` writes, under the host's name, a record that is the same for every machine of a kind:
a history goes on when a virtual machine is made anew.
"""

import re
import time
from pathlib import Path
from typing import Annotated

import msgspec
from asv.machine import Machine, MachineCollection
from asv.util import UserError

from kasv import conditions, facts
from kasv.errors import KasvError
from kasv.facts import Text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NOISE = re.compile(r"\((?:r|tm|c)\)|\b(?:cpu|processor|\w+-core)\b", re.IGNORECASE)
_IMPORTED_AT = time.time()  # before asv has read its record of the machine
_REMEDY = "`kasv machine` names this machine anew"


class Record(msgspec.Struct, frozen=True):
    """What asv knows of a machine; it counts memory in bytes, and keeps all of it as text."""

    machine: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    cpu: Text = ""
    num_cpu: Text = ""
    os: Text = ""
    arch: Text = ""
    ram: Text = ""
    gpu: Text = ""

    @property
    def kind(self) -> str:
        """The name that follows from the processor and the count of its cores."""
        return default_name(self.cpu or self.arch, self.num_cpu)


def default_name(processor: str, cores: str) -> str:
    """Return the name of a kind of machine: `AMD EPYC` with two cores is `amd-epyc-2cpu`.

    (R), (TM), "CPU", "Processor" and "64-Core" are left out of the model's name as /proc/cpuinfo
    has it, and what is no letter, digit or dot becomes a hyphen. The clock stays, since some
    hypervisors tell nothing else: `Intel(R) Xeon(R) CPU @ 2.20GHz` is `intel-xeon-2.20ghz-2cpu`.
    """
    words = re.findall(r"[a-z0-9.]+", _NOISE.sub(" ", processor).lower())
    model = "-".join(words).strip(".")[:48].strip("-.") or "unknown"
    return f"{model}-{cores}cpu"


def register(name: str | None, results_dir: Path) -> str:
    """Save this machine as the one that asv measures on from now; return its name.

    Where the results have a record of that name, it is this machine's as well.

    Raises:
        KasvError: the name is none for a folder, or is another kind of machine's in the results;
            or asv's file cannot be written.
    """
    here = _here()
    known = _saved()
    host = Machine.get_unique_machine_name()
    if name is None and known and known.kind == here.kind and known.machine != host:
        return known.machine  # as --name has once said
    wanted = _checked(here.kind if name is None else name)
    cards = ", ".join(card.name for card in facts.gpus())
    own = msgspec.structs.replace(here, machine=wanted, gpu=cards)
    record = _recorded(results_dir / wanted) or own
    _refuse_other(record, results_dir / wanted, "choose another --name")
    _save(record, host, wanted)
    return wanted


def _save(record: Record, *keys: str) -> None:
    try:
        for key in keys:
            MachineCollection.save(key, msgspec.to_builtins(record))
    except (OSError, UserError) as error:
        raise KasvError(f"~/.asv-machine.json: {error}; mend or remove it") from error


def find(name: str | None = None) -> dict[str, str] | None:
    """Return what asv knows of a machine (default: this one), None where it knows nothing."""
    try:
        known: dict[str, str] = MachineCollection.load(name or Machine.get_unique_machine_name())
    except UserError:
        return None
    return known


def filed_under(results_dir: Path) -> Path | None:
    """Return the machine's folder that this run of asv files results in, if it has told.

    asv has no word for it but the machine's record, which `asv run` writes there as it starts.
    """
    records = [(path.stat().st_mtime, path) for path in results_dir.glob("*/machine.json")]
    written, path = max(records, default=(0.0, results_dir))
    return path.parent if written >= _IMPORTED_AT - 1 else None  # a file's clock is coarser


def verify(folder: Path | None) -> None:
    """Make sure that the machine's folder, if any, is one for machines like this.

    Raises:
        KasvError: it is another kind's, whose results would share a line with this one's.
    """
    record = None if folder is None else _recorded(folder)
    if folder is not None and record is not None:
        _refuse_other(record, folder, _REMEDY)


def _refuse_other(record: Record, folder: Path, remedy: str) -> None:
    """Raise where a record or the measurements in its folder are another processor's."""
    here = _here()
    if record.kind != here.kind:
        raise KasvError(
            f"the name {record.machine!r} stands for {record.cpu!r} with {record.num_cpu} cores; "
            f"this machine is {here.cpu!r} with {here.num_cpu}: {remedy}"
        )
    cpuid = facts.this_cpuid()
    measured = {s.facts.cpuid for one in conditions.of_machines([folder]) for s in one.sessions}
    if cpuid and measured and cpuid not in measured:
        raise KasvError(
            f"the results of {record.machine!r} were measured on {', '.join(sorted(measured))}; "
            f"this machine is {cpuid}: give it a name of its own with `kasv machine --name NAME`"
        )


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise KasvError(
            f"{name[:80]!r} cannot name a machine: up to 64 letters, digits, dots, hyphens and "
            "underscores do, of which the first is a letter or a digit"
        )
    return name


def _here() -> Record:
    """Return what asv finds out about this machine."""
    return msgspec.convert(Machine.get_defaults(), Record)


def _saved() -> Record | None:
    """Return asv's record of this machine, None where there is none that can be read."""
    try:
        return msgspec.convert(find(), Record)
    except (ValueError, OSError):
        return None


def _recorded(folder: Path) -> Record | None:
    """Return the record in a machine's folder.

    Raises:
        KasvError: there is one that cannot be read, or it has another name than its folder.
    """
    path = folder / "machine.json"
    if not path.exists():
        return None
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
        if record.machine != folder.name:
            raise ValueError(f"it names the machine {record.machine!r}")
    except (OSError, ValueError) as error:
        raise KasvError(f"{path} is malformed: {error}; restore or remove it") from error
    return record
