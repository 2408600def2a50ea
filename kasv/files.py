"""Files that are there whole or not at all, and text that may be printed."""

import os
from pathlib import Path


def write(path: Path, content: bytes | str) -> None:
    """Write a file beside its place and rename it: whole at every instant, or as it was before.

    Raises:
        OSError: it cannot be written; nothing is left beside it.
    """
    _remove_left_over(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())  # else a crash of the machine may leave the name without bytes
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _remove_left_over(path: Path) -> None:
    """Remove what a killed process left beside the file."""
    prefix = f".{path.name}."
    for left in path.parent.glob(".*.part"):
        owner = left.name.removeprefix(prefix).removesuffix(".part")
        if left.name.startswith(prefix) and owner.isdecimal() and not is_running(int(owner)):
            left.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Tell whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def printable(text: str) -> str:
    """Return a text with `?` for what would command a terminal or cannot be encoded."""
    return "".join(character if character.isprintable() else "?" for character in text)
