"""Describe this machine to asv without its questions, and name its GPU."""

import shutil
import subprocess

from asv.machine import Machine, MachineCollection
from asv.util import UserError


def register(name: str | None) -> str:
    """Save this machine in asv's `~/.asv-machine.json` unless asv knows it; return its name."""
    wanted = name or Machine.get_unique_machine_name()
    known = find(wanted)
    if known is None:
        known = {**Machine.get_defaults(), "machine": wanted, "gpu": gpu()}
        MachineCollection.save(wanted, known)
    return known["machine"]


def find(name: str | None = None) -> dict[str, str] | None:
    """Return what asv knows of a machine (default: this one), None where it knows nothing."""
    try:
        known: dict[str, str] = MachineCollection.load(name or Machine.get_unique_machine_name())
    except UserError:
        return None
    return known


def gpu() -> str:
    """Return the names of the GPUs that `nvidia-smi` lists, or an empty string."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return ", ".join(answer.stdout.split("\n")).strip(", ") if answer.returncode == 0 else ""
