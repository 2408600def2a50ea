"""asv's result files as checked records: one `Figure` for each value that a release was given.

asv's own reader (`asv.results.Results`) trusts what it reads. These files travel in pull requests
from other people's machines, so that everything is checked here once, for all who show it, and for
asv, which publishes from a checked copy (`kasv.checked`).
"""

import functools
import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from asv.console import log

from kasv.errors import KasvError
from kasv.metrics import SAMPLED

_API_VERSION = 2  # of asv.results.Results
_PARAMETERS = ("data", "epoch")  # of every benchmark of the suite; most have the first only
_NAMES_OF_OTHER_FILES = {"machine.json", "benchmarks.json"}
_LARGEST_FILE = 64_000_000  # bytes; a release with every sample has 0.2 MB
_LARGEST_VALUE = 1e40  # beyond what a 32-bit float holds, and still safe to multiply
_TIMES = (1e-9, 1e9)  # seconds
_MOST_COMBINATIONS = 10_000  # of a benchmark's parameters

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Identifier = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,79}$")]
Commit = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8,40}$")]
Moment = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_T = TypeVar("_T")


class Stats(msgspec.Struct, frozen=True):
    """asv's statistics of one value's samples; the interval's ends may be infinite."""

    ci_99_a: float
    ci_99_b: float
    q_25: float
    q_75: float
    number: int
    repeat: int


class Figure(msgspec.Struct, frozen=True):
    """One value of one metric: of which release, on which machine, under which settings.

    `value` is None where the benchmark failed; what does not apply has no figure. `samples` is
    empty unless asv was asked to record them. `variables` are those of asv's matrix
    (`KASV_SIZE`, `KASV_DEVICE`, `KASV_THREADS`). `started_at` is in milliseconds since 1970,
    `duration` in seconds; where asv interleaved rounds, both are the last round's.
    """

    machine: str
    commit: str
    variables: dict[str, str]
    model: str
    data: Literal["real", "generated"]
    metric: str
    epoch: int | None
    value: float | None
    samples: tuple[float, ...] = ()
    stats: Stats | None = None
    started_at: int | None = None
    duration: float | None = None
    version: str = ""


class _Machine(msgspec.Struct):
    machine: Name


class _File(msgspec.Struct):
    """A result file without its profiles."""

    version: int
    commit_hash: Commit
    date: Moment
    env_name: Name
    params: dict[Identifier, Annotated[str, msgspec.Meta(max_length=200)] | int | None]
    result_columns: list[str]
    results: dict[Name, list[Any]]
    env_vars: dict[Identifier, Name] = {}
    python: Name = ""

    @property
    def machine(self) -> str:
        """The machine that it was measured on."""
        return str(self.params.get("machine"))


class _Row(msgspec.Struct):
    """A benchmark's row: a list holds one element for each combination of its parameters."""

    result: list[float | None] | None = None
    params: list[list[str]] = []
    version: Name | None = None
    started_at: Moment | None = None
    duration: float | None = None
    samples: list[list[float] | None] | None = None
    stats_ci_99_a: list[float | None] | None = None
    stats_ci_99_b: list[float | None] | None = None
    stats_q_25: list[float | None] | None = None
    stats_q_75: list[float | None] | None = None
    stats_number: list[int | None] | None = None
    stats_repeat: list[int | None] | None = None


# A row's columns with one element for each combination of the parameters.
COLUMNS = ("result", "samples", *(f"stats_{field}" for field in Stats.__struct_fields__))


class _Key(msgspec.Struct):
    """What a benchmark's name and one combination of its parameters say."""

    model: Identifier
    metric: Identifier
    data: Literal["real", "generated"]
    epoch: int | None = None


def load(results_dir: Path) -> Iterator[Figure]:
    """Yield every figure under asv's results folder; name and leave out each malformed file."""
    for path in sorted(results_dir.glob("*/*.json")):
        if path.name in _NAMES_OF_OTHER_FILES:
            continue
        try:
            yield from load_file(path)
        except KasvError as error:
            log.warning(f"{error}; left out")


def load_file(path: Path) -> list[Figure]:
    """Read one result file.

    Raises:
        KasvError: it is not what asv writes; names the file and what is wrong with it.
    """
    return _read(path)[2]


def checked(path: Path) -> dict[str, object]:
    """Read one result file and return it as asv writes it, with nothing that was not checked.

    Raises:
        KasvError: it is not what asv writes; names the file and what is wrong with it.
    """
    content, rows, _ = _read(path)
    return {
        **msgspec.structs.asdict(content),
        "requirements": {},
        "result_columns": list(_Row.__struct_fields__),
        "results": {name: list(msgspec.structs.astuple(row)) for name, row in rows.items()},
        "durations": {},
    }


def _read(path: Path) -> tuple[_File, dict[str, _Row], list[Figure]]:
    """Return a file's content, each benchmark's row, and the figures of all."""
    try:
        content = msgspec.convert(read_json(path), _File)
        if content.version != _API_VERSION:
            raise ValueError(f"format version {content.version}; `asv update` brings it to 2")
        machine = _machine(path.parent)
        if content.machine != machine:
            raise ValueError(f"measured on {content.machine!r}, filed under {machine!r}")
        refuse_unprintable(content.env_name, content.python, *content.env_vars.values())
        refuse_unprintable(*(text for text in content.params.values() if isinstance(text, str)))
        rows = {name: _row(content, name) for name in content.results}
        return content, rows, [f for name in rows for f in _figures(content, rows[name], name)]
    except (OSError, ValueError) as error:
        where = "/".join(path.parts[-2:])
        raise KasvError(f"result file {where!r} is malformed: {error}") from error


def read_json(path: Path) -> Any:
    """Return what a file of JSON that anybody may have written holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no regular file, is too large, or is not JSON in UTF-8.
    """
    if not path.is_file():
        raise ValueError("is no regular file")
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError(f"is larger than {_LARGEST_FILE} bytes")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def refuse_unprintable(*texts: str) -> None:
    """Raise ValueError at a text that a terminal would obey or no page can hold."""
    for text in texts:
        if not text.isprintable():
            raise ValueError(f"{text!r} cannot be printed")


def samples_per_round(results_dir: Path) -> dict[str, int]:
    """Return how many samples each model's `time_epoch` takes in one process, where it says so.

    asv strings the samples of several rounds together; this is where they come apart again.
    """
    try:
        content = json.loads((results_dir / "benchmarks.json").read_bytes())
        known = {name: table for name, table in content.items() if isinstance(table, dict)}
    except (OSError, RecursionError, ValueError, AttributeError):
        return {}
    repeats = {
        name.partition(".")[0]: table.get("repeat")
        for name, table in known.items()
        if name.endswith(".time_epoch")
    }
    return {model: repeat for model, repeat in repeats.items() if type(repeat) is int}


def _machine(folder: Path) -> str:
    """Return the machine's name as asv knows it: from the folder's `machine.json`."""
    path = folder / "machine.json"
    try:
        machine = msgspec.convert(read_json(path), _Machine).machine
        refuse_unprintable(machine)
        return machine
    except (OSError, ValueError) as error:
        raise ValueError(f"no machine.json beside it can be read: {error}") from error


def _row(content: _File, name: str) -> _Row:
    try:
        cells = zip(content.result_columns, content.results[name], strict=False)  # asv cuts nulls
        row = msgspec.convert(dict(cells), _Row)
        size = math.prod(map(len, row.params))
        if size > _MOST_COMBINATIONS:
            raise ValueError(f"{size} combinations of its parameters")
        for field in COLUMNS:
            column = getattr(row, field)
            if column is not None and len(column) != size:
                raise ValueError(f"{field} has {len(column)} elements, its parameters {size}")
        _check_numbers(row)
    except ValueError as error:
        raise ValueError(f"benchmark {name[:80]!r}: {error}") from error
    return row


def _check_numbers(row: _Row) -> None:
    """Refuse what would overflow and NaN, but for asv's own: a result that does not apply."""
    samples = itertools.chain.from_iterable(filter(None, row.samples or ()))
    numbers = [*samples, *(row.stats_q_25 or ()), *(row.stats_q_75 or ()), row.duration]
    if any(number is not None and math.isnan(number) for number in numbers):
        raise ValueError("a sample, a quartile or the duration is NaN")
    ends = (*(row.stats_ci_99_a or ()), *(row.stats_ci_99_b or ()))
    numbers += [end for end in ends if end is None or not math.isinf(end)]  # so of one sample
    numbers += row.result or ()
    if any(number is not None and abs(number) > _LARGEST_VALUE for number in numbers):
        raise ValueError(f"a number is larger than {_LARGEST_VALUE:g}")


def _figures(content: _File, row: _Row, name: str) -> Iterator[Figure]:
    """Yield the figures of one benchmark, without those that do not apply (asv's NaN)."""
    try:
        combinations = list(itertools.product(*row.params))
        values = _column(row.result, len(combinations))
        for index, (combination, value) in enumerate(zip(combinations, values, strict=True)):
            if value is None or not math.isnan(value):
                yield _figure(content, row, _key(name, combination), index, value)
    except (ValueError, LookupError) as error:
        raise ValueError(f"benchmark {name[:80]!r}: {error}") from error


def _figure(content: _File, row: _Row, key: _Key, index: int, value: float | None) -> Figure:
    samples = _at(row.samples, index) or []
    numbers = [*samples] if value is None else [value, *samples]
    if key.metric in SAMPLED and not all(_TIMES[0] < n < _TIMES[1] for n in numbers):
        raise ValueError(f"a time is not between {_TIMES[0]:g} and {_TIMES[1]:g} seconds")
    return Figure(
        machine=content.machine,
        commit=content.commit_hash,
        variables=content.env_vars,
        model=key.model,
        data=key.data,
        metric=key.metric,
        epoch=key.epoch,
        value=value,
        samples=tuple(samples),
        stats=_stats(row, index),
        started_at=row.started_at,
        duration=row.duration,
        version=row.version or "",
    )


@functools.lru_cache(4096)  # the same few names and parameters stand in every file
def _key(name: str, combination: tuple[str, ...]) -> _Key:
    """Parse `mnist_mlp.MnistMlp.track_history` and its parameters, of which asv keeps the repr."""
    parts = name.split(".")
    if len(parts) < 2 or not 1 <= len(combination) <= len(_PARAMETERS):
        raise ValueError("expected `<module>.<class>.<function>` with parameters data and epoch")
    literals = (text.strip("'\"") for text in combination)
    fields = dict(zip(_PARAMETERS, literals, strict=False))
    return msgspec.convert({"model": parts[0], "metric": parts[-1], **fields}, _Key, strict=False)


def _stats(row: _Row, index: int) -> Stats | None:
    """Return asv's statistics where all of them are there."""
    if row.stats_number is None:
        return None
    found = {field: _at(getattr(row, f"stats_{field}"), index) for field in Stats.__struct_fields__}
    if None in found.values():
        return None
    stats = msgspec.convert(found, Stats)
    if stats.repeat < 1:
        raise ValueError("its statistics are of no samples")
    return stats


def _column(column: list[_T | None] | None, size: int) -> list[_T | None]:
    """Return a column in full: asv writes null for one in which everything is null."""
    return [None] * size if column is None else column


def _at(column: list[_T | None] | None, index: int) -> _T | None:
    return None if column is None else column[index]
