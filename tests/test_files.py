"""Files are there whole or not at all, on a full disk and after a kill too."""

import os
import signal
import subprocess
import sys

import pytest

from kasv import files

BIG = b"x" * 400_000


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    files.write(path, "one")
    files.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_keeps_what_was_there(small_disk):
    path = small_disk / "file"
    files.write(path, "old")
    with pytest.raises(OSError, match="No space left"):
        files.write(path, BIG)
    assert path.read_text() == "old"
    assert [one.name for one in small_disk.iterdir()] == ["file"]


def test_what_a_killed_process_left_beside_goes_with_the_next_write(tmp_path):
    path = tmp_path / "file"
    code = f"""
import os, signal
from pathlib import Path
from kasv import files
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
files.write(Path({str(path)!r}), "new")
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    running = tmp_path / f".file.{os.getppid()}.part"
    running.touch()
    files.write(path, "newer")
    assert not left.exists()
    assert running.exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[31m\nb", "a?[31m?b"), ("a\ud800\u202eb", "a??b"), ("Größe 1", "Größe 1")],
)
def test_text_is_made_printable(text, shown):
    assert files.printable(text) == shown
