"""Lose nothing that was measured: what asv's result files need around an interruption or a failure.

asv 0.6.6 writes a release's results once its last benchmark is through, so that an interruption
loses the finished ones; it overwrites what was measured before by a failure, and by a `--quick`
run although its help says that those are not saved; and it writes in place, so that a full disk
truncates (`asv.commands.run.Run.run`, `asv.util.write_json`;
https://github.com/airspeed-velocity/asv/blob/v0.6.6/asv/commands/run.py). This module is the one
place that works around all four: it keeps each finished benchmark's result until asv has stored
it, and puts back what a failure replaced.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asv import util
from asv.results import get_filename

_RESULT = 0  # asv's first result column


class Journal:
    """The journal of one commit's measurement in one environment: `<root>/<commit>/` on disk."""

    def __init__(self, root: Path, commit: str, environment: str, results_dir: Path) -> None:
        self.folder = root / commit
        self.records = self.folder / "records"
        self._results_dir = results_dir
        self._result_name = Path(get_filename("", commit, environment)).name
        self._discard = self.folder / "discard"
        self._left_over: set[str] = set()
        self._runs: Counter[str] = Counter()

    def begin(self) -> None:
        """Copy the stored results, or restore them where the last run ended while asv wrote."""
        self.records.mkdir(parents=True, exist_ok=True)
        self._left_over = {path.name for path in self.folder.glob("*.result")}
        for path in self._result_files():
            kept = self._copy_of(path)
            if _is_json(path):
                shutil.copy2(path, kept)
            elif _is_json(kept):
                shutil.copy2(kept, path)

    def replay(self, benchmark: str, parameters: str) -> bytes | None:
        """Return what an interrupted run measured for this benchmark's next round, if anything."""
        path = self._entry(benchmark, parameters)
        return path.read_bytes() if path.name in self._left_over else None

    def add(self, benchmark: str, parameters: str, result: bytes | None) -> None:
        """Keep a finished benchmark's result (None: it failed) and go on to its next round."""
        path = self._entry(benchmark, parameters)
        self._runs[benchmark] += 1
        if _is_quick(parameters):
            self.discard()
        if result is not None and path.name not in self._left_over:
            beside = path.with_suffix(".part")
            beside.write_bytes(result)
            beside.rename(path)

    def discard(self) -> None:
        """Note that what asv stores of this run is no measurement to keep."""
        self._discard.touch()

    def settle(self) -> None:
        """If asv has stored the results, mend its file and forget the journal; else keep it."""
        if not self.folder.exists():
            return
        written = [path for path in self._result_files() if self._changed(path)]
        for path in written:
            self._mend(path)
        if written or self._discard.exists():
            shutil.rmtree(self.folder)

    def _changed(self, path: Path) -> bool:
        kept = self._copy_of(path)
        return not kept.exists() or path.stat().st_mtime_ns != kept.stat().st_mtime_ns

    def _mend(self, path: Path) -> None:
        kept = self._copy_of(path)
        if self._discard.exists() or not _is_json(path):
            shutil.copy2(kept, path) if kept.exists() else path.unlink()
        elif kept.exists():
            put_back(kept, path)

    def _entry(self, benchmark: str, parameters: str) -> Path:
        key = f"{benchmark} {parameters} {self._runs[benchmark]}"
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.result"

    def _result_files(self) -> Iterator[Path]:
        yield from self._results_dir.glob(f"*/{self._result_name}")

    def _copy_of(self, path: Path) -> Path:
        return self.folder / f"{path.parent.name}.before.json"


def put_back(before: Path, path: Path) -> None:
    """Put back every result that the earlier file holds and a failure replaced in the later one."""
    earlier, later = util.load_json(str(before)), util.load_json(str(path))
    lost = [
        name
        for name, row in earlier["results"].items()
        if _measured(row) and name in later["results"] and not _measured(later["results"][name])
    ]
    if lost and earlier["result_columns"] == later["result_columns"]:
        later["results"].update({name: earlier["results"][name] for name in lost})
        beside = path.with_suffix(".part")
        beside.write_text(json.dumps(later), encoding="utf-8")
        beside.rename(path)


def _measured(row: list[Any]) -> bool:
    values = row[_RESULT] if row else None
    return values is not None and any(value is not None for value in values)


def _is_quick(parameters: str) -> bool:
    """Tell a `--quick` run by what it asks of each benchmark (asv.runner.run_benchmarks)."""
    quick = {"number": 1, "repeat": 1, "warmup_time": 0, "rounds": 1}
    asked = json.loads(parameters)
    return isinstance(asked, dict) and quick.items() <= asked.items()


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True
