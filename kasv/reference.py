"""The figures published in 2017, as they were printed: facts to show, never measured here."""

import csv
from pathlib import Path
from typing import Literal

import msgspec

from kasv.errors import KasvError

FILE = Path(__file__).with_name("reference_results.csv")


class Source(msgspec.Struct, frozen=True):
    """Where figures were published, and what to know before reading them."""

    title: str
    author: str
    date: str
    url: str
    caveat: str


SOURCES = {
    "keras-backend-benchmark-2017": Source(
        "Keras Backend Benchmark: Theano vs TensorFlow vs CNTK",
        "Jeong-Yoon Lee",
        "July 2017",
        "http://kaggler.com/2017/07/12/keras-backend-benchmark.html",
        "Its Tesla K80 column repeats the first version of Max Woolf's benchmark, on other "
        "versions than the other columns. An epoch includes its validation; the first, with "
        "compilation, is in the mean.",
    ),
    "fastest-keras-framework-2017": Source(
        "Search for the fastest Deep Learning Framework supported by Keras",
        "Jasmeet Bhatia",
        "September 2017",
        "https://www.kdnuggets.com/2017/09/search-fastest-keras-deep-learning-backend.html",
        "Seconds per epoch are the notebooks' totals divided by the epochs, so that compilation "
        "and validation are in them. MXNet ran with Keras 1.2.2, the others with Keras 2.0.8.",
    ),
    "keras-cntk-benchmark-v2-2017": Source(
        "Benchmarks of CNTK on Keras, second version",
        "Max Woolf",
        "end of 2017",
        "https://github.com/minimaxir/keras-cntk-benchmark",
        "Versions are inferred from the dates. TensorFlow's LSTMs on GPUs are cuDNN's, CNTK's are "
        "not: another model.",
    ),
}


class Published(msgspec.Struct, frozen=True):
    """One published figure; None or the empty string where nothing was printed."""

    source: str
    hardware: str
    model: str
    variant: str
    backend: str
    backend_version: str
    keras: str
    epochs: int | None
    batch: int | None
    seconds_per_epoch: float | None
    statistic: str
    includes_validation: Literal["yes", "no"]
    metric: str
    metric_value: float | None
    note: str


def load(path: Path = FILE) -> tuple[Published, ...]:
    """Read the published figures; raise KasvError naming the line of a malformed one."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = enumerate(csv.DictReader(file), 2)
        return tuple(_published(path, line, row) for line, row in rows)


def _published(path: Path, line: int, row: dict[str, str]) -> Published:
    numbers = ("epochs", "batch", "seconds_per_epoch", "metric_value")
    fields = {name: None if name in numbers and not text else text for name, text in row.items()}
    try:
        published = msgspec.convert(fields, Published, strict=False)
    except msgspec.ValidationError as error:
        raise KasvError(f"{path.name}, line {line}: {error}") from error
    if published.source not in SOURCES:
        raise KasvError(f"{path.name}, line {line}: unknown source {published.source!r}")
    return published
