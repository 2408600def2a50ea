"""Lose nothing that was measured: what asv's result files need around an interruption or a failure.

asv 0.6.6 writes a release's results once its last benchmark is through, so that an interruption
loses the finished ones; it overwrites what was measured before by a failure, and by a `--quick`
run although its help says that those are not saved; and it writes in place, so that a full disk
truncates (`asv.commands.run.Run.run`, `asv.util.write_json`;
https://github.com/airspeed-velocity/asv/blob/v0.6.6/asv/commands/run.py). So asv is lent a copy of
a release's results in a folder of its own, and never writes into the results themselves. Each
benchmark's outcome is a file here, written once, that a later run replays. Once asv has stored what
it ran, those rows are taken over into the results, and their outcomes are forgotten.
"""

import hashlib
import itertools
import json
import math
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from asv.console import log
from asv.results import get_filename

from kasv import files, results
from kasv.errors import KasvError

_LENT = "kasv_lent"  # a key that asv does not keep when it writes
# asv's columns with one element for each combination of a benchmark's parameters.
_BY_PARAMETERS = set(results.COLUMNS)


class Journal:
    """The journal of one commit's measurement in one environment: `<root>/<commit>/` on disk."""

    def __init__(
        self, root: Path, commit: str, environment: str, results_dir: Path, lent_dir: Path
    ) -> None:
        self.folder = root / commit
        self.records = self.folder / "records"
        self._ran = self.folder / "ran"
        self._results_dir = results_dir
        self._lent_dir = lent_dir
        self._result_name = Path(get_filename("", commit, environment)).name
        self._left_over: set[str] = set()
        self._runs: Counter[str] = Counter()

    def lend(self) -> None:
        """Copy each machine's results of this commit to where asv reads and writes them."""
        if any(self._lent_dir.glob(f"*/{self._result_name}")):
            return  # what asv has written since, or the same
        for path in self._results_dir.glob(f"*/{self._result_name}"):
            folder = self._lent_dir / path.parent.name
            try:
                content = {**results.checked(path), _LENT: True}
            except KasvError as error:
                log.warning(str(error))
                continue
            folder.mkdir(parents=True, exist_ok=True)
            files.write(folder / path.name, json.dumps(content))
            shutil.copyfile(path.with_name("machine.json"), folder / "machine.json")

    def recover(self) -> None:
        """Settle what asv had stored when the last run was killed; the rest is to be replayed."""
        self.settle()
        shutil.rmtree(self._ran, ignore_errors=True)  # no later run's file holds their rows
        for path in self._lent_dir.glob(f"*/{self._result_name}"):
            path.unlink()

    def begin(self) -> None:
        """Start to run this commit's benchmarks."""
        self.records.mkdir(parents=True, exist_ok=True)
        self._ran.mkdir(exist_ok=True)
        self._left_over = {path.name for path in self.folder.glob("*.outcome")}

    def replay(self, benchmark: str, digest: str, parameters: str) -> bytes | None:
        """Return what an interrupted run measured for this benchmark's next round, if anything."""
        path = self._outcome(benchmark, digest, parameters)
        return path.read_bytes() if path.name in self._left_over else None

    def add(self, benchmark: str, digest: str, parameters: str, result: bytes | None) -> None:
        """Keep a finished benchmark's result (None: it failed) and go on to its next round."""
        path = self._outcome(benchmark, digest, parameters)
        self._runs[benchmark] += 1
        if result is not None and path.name not in self._left_over:
            files.write(path, result)
        (self._ran / _row_name(benchmark)).touch()

    def is_first_round(self, benchmark: str) -> bool:
        """Tell whether none of asv's rounds of this benchmark has ended in this run."""
        return not self._runs[benchmark]

    def settle(self) -> None:
        """Take over the rows that were run and asv has stored, and forget their outcomes.

        Raises:
            OSError: the results cannot be written; all is kept for another try.
        """
        ran = {path.name for path in self._ran.glob("*")}
        for path in self._lent_dir.glob(f"*/{self._result_name}") if ran else ():
            stored = _load(path)
            if stored and _LENT not in stored:
                names = ran & stored["results"].keys()
                self._take_over(path.parent.name, stored, names)
                self._forget(names)
                path.unlink()
                return self.lend()

    def _take_over(self, machine: str, stored: dict[str, Any], names: set[str]) -> None:
        """Put these rows of a file that asv has stored into the machine's results."""
        path = self._results_dir / machine / self._result_name
        earlier = _load(path)
        if earlier is None and path.exists():
            aside = path.replace(path.with_suffix(".malformed"))
            log.warning(f"{path} was malformed; it is {aside.name} now")
        rows = earlier["results"] if earlier else {}
        for name in names:
            rows[name] = put_back(rows.get(name, {}), stored["results"][name])
        columns = stored["result_columns"]
        listed = {name: [cells.get(c) for c in columns] for name, cells in rows.items()}
        files.write(path, json.dumps({**stored, "results": listed}))

    def _forget(self, names: set[str]) -> None:
        left = list(self.folder.glob("*.outcome"))
        for path in left:
            if path.name.partition("~")[0] in names:
                path.unlink()
        shutil.rmtree(self._ran)
        if not any(path.exists() for path in left):
            shutil.rmtree(self.folder)

    def _outcome(self, benchmark: str, digest: str, parameters: str) -> Path:
        key = f"{benchmark} {digest} {parameters} {self._runs[benchmark]}"
        short = hashlib.sha256(key.encode()).hexdigest()[:32]
        return self.folder / f"{_row_name(benchmark)}~{short}.outcome"


def put_back(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Return a benchmark's later row, with the earlier's values where later none was measured."""
    old, new = (cells.get("result") or [] for cells in (earlier, later))
    if not any(map(_is_measured, new)):
        return earlier if any(map(_is_measured, old)) else later
    if len(old) != len(new) or any(earlier.get(k) != later.get(k) for k in ("params", "version")):
        return later
    lost = [_is_measured(a) and not _is_measured(b) for a, b in zip(old, new, strict=True)]
    mended = dict(later)
    for column in _BY_PARAMETERS.intersection(earlier, later) if any(lost) else ():
        pair = [cells[column] or [None] * len(new) for cells in (earlier, later)]
        mended[column] = [a if gone else b for gone, a, b in zip(lost, *pair, strict=True)]
    return mended


def _is_measured(value: float | None) -> bool:
    return value is not None and not math.isnan(value)


def _row_name(benchmark: str) -> str:
    """Return a benchmark's name without the number of its parameters that asv runs it by."""
    name, _, number = benchmark.rpartition("-")
    return name if number.isdecimal() and name else benchmark


def _load(path: Path) -> dict[str, Any] | None:
    """Return a result file with a dictionary for each row; None where it is not whole."""
    try:
        content: dict[str, Any] = results.read_json(path)
        rows, columns = content["results"], content["result_columns"]
        content["results"] = {
            name: dict(itertools.zip_longest(columns, row)) for name, row in rows.items()
        }
        for cells in content["results"].values():
            msgspec.convert(cells["result"], list[float | None] | None)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return content


def is_quick(parameters: str) -> bool:
    """Tell a `--quick` run by what it asks of each benchmark (asv.runner.run_benchmarks)."""
    quick = {"number": 1, "repeat": 1, "warmup_time": 0, "rounds": 1}
    asked = json.loads(parameters)
    return isinstance(asked, dict) and quick.items() <= asked.items()
