"""A copy of asv's results in which everything is checked, for asv to publish from.

asv reads result files, machine.json and benchmarks.json unchecked: one that is malformed ends it
with a traceback, and names from them stand in its page as HTML. The copy holds the fields that
passed a check and no others; what is malformed is named and left out.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from asv.console import log

from kasv import conditions, results
from kasv.errors import KasvError

BENCHMARKS = "benchmarks.json"
_REMEDY = "`asv run --bench just-discover` writes it again"

_BenchmarkName = Annotated[str, msgspec.Meta(pattern=r"^\w{1,80}(\.\w{1,80}){1,4}\Z")]
_Plain = Annotated[str, msgspec.Meta(pattern=r"^[\w .%/+-]{0,40}\Z")]
_Literal = Annotated[str, msgspec.Meta(pattern=r"^[\w '\".,()+-]{1,200}\Z")]
_Fact = Annotated[str, msgspec.Meta(max_length=200)] | int | None


class _Benchmark(msgspec.Struct, omit_defaults=True):
    """What asv's page shows of a benchmark, and what its reader needs."""

    name: _BenchmarkName
    type: _Plain
    unit: _Plain
    version: results.Name
    params: list[list[_Literal]]
    param_names: list[results.Identifier]
    code: str = ""
    timeout: float = 60
    repeat: int | None = None


class _Machine(msgspec.Struct, omit_defaults=True):
    """What asv knows of a machine."""

    machine: results.Name
    version: int
    arch: _Fact = None
    cpu: _Fact = None
    gpu: _Fact = None
    num_cpu: _Fact = None
    os: _Fact = None
    ram: _Fact = None


def copy(results_dir: Path, target: Path) -> None:
    """Write what is well-formed in asv's results folder into another; name and leave out the rest.

    Raises:
        KasvError: benchmarks.json cannot be read at all: nothing could be published.
        OSError: the copy cannot be written.
    """
    target.mkdir(parents=True)
    _write(target / BENCHMARKS, _benchmarks(results_dir / BENCHMARKS))
    for folder in sorted(path.parent for path in results_dir.glob("*/machine.json")):
        try:
            machine = _machine(folder / "machine.json")
        except KasvError as error:
            log.warning(f"{error}; all results beside it are left out")
            continue
        _write(target / folder.name / "machine.json", machine)
        for path, content in _results(folder):
            _write(target / folder.name / path.name, content)
        for path in _conditions(folder):
            shutil.copyfile(path, target / folder.name / path.name)


def _results(folder: Path) -> Iterator[tuple[Path, dict[str, object]]]:
    for path in sorted(folder.glob("*.json")):
        if path.name == "machine.json":
            continue
        try:
            yield path, results.checked(path)
        except KasvError as error:
            log.warning(f"{error}; left out")


def _conditions(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob(f"*{conditions.SUFFIX}")):
        try:
            conditions.read(path)
        except KasvError as error:
            log.warning(f"{error}; left out")
        else:
            yield path


def _machine(path: Path) -> dict[str, object]:
    try:
        found = msgspec.convert(results.read_json(path), _Machine)
        facts: dict[str, object] = msgspec.to_builtins(found)
        results.refuse_unprintable(*(text for text in facts.values() if isinstance(text, str)))
    except (OSError, ValueError) as error:
        raise KasvError(f"{path.parent.name!r}/machine.json is malformed: {error}") from error
    return facts


def _benchmarks(path: Path) -> dict[str, object]:
    try:
        tables = msgspec.convert(results.read_json(path), dict[str, object])
    except (OSError, ValueError) as error:
        raise KasvError(f"{path} is malformed: {error}; {_REMEDY}") from error
    found: dict[str, object] = {"version": 2}
    if tables.pop("version", None) != found["version"]:
        raise KasvError(f"{path} is not of asv's format 2; {_REMEDY}")
    for name, table in tables.items():
        try:
            found[name] = _benchmark(name, table)
        except ValueError as error:
            log.warning(f"{BENCHMARKS}: {name[:80]!r} is malformed: {error}; left out; {_REMEDY}")
    return found


def _benchmark(name: str, table: object) -> object:
    benchmark = msgspec.convert(table, _Benchmark)
    if benchmark.name != name:
        raise ValueError(f"calls itself {benchmark.name!r}")
    if len(benchmark.params) != len(benchmark.param_names):
        raise ValueError("has another number of parameters than of their names")
    return msgspec.to_builtins(benchmark)


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
