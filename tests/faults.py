"""Faults that are real: a disk that is full, a process that is killed."""

import os
import subprocess
import time
from pathlib import Path

import psutil
import pytest


@pytest.fixture
def small_disk(tmp_path):
    """Mount a disk of 256 KiB; only root can."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid():
        pytest.skip("mounting a small disk needs root")
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    subprocess.run(command, check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Fill the disk that a folder is on; return the file that does, to be removed."""
    path = folder / "filling"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return path
    raise AssertionError


def gone(processes: list[psutil.Process], seconds: float = 5) -> bool:
    """Tell whether all of these processes are gone within some seconds."""
    deadline = time.monotonic() + seconds
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
