"""The same-work proof, as the host sees it: measured once for a release, on each machine.

asv runs every function at each `asv run`. A proof is a training of its own, and what it proves
stays true as long as its version does, which follows from the proof, the model and its reference.
"""

import json
from pathlib import Path

from kasv import results
from kasv.errors import KasvError

FUNCTIONS = (
    "track_deviation",
    "track_optimizer_deviation",
    "track_variant_deviation",
    "track_reproducibility",
)


def is_part(benchmark: str) -> bool:
    """Tell whether a benchmark (`mnist_mlp.MnistMlp.track_deviation-0`) is one of the proof's."""
    return _function(benchmark) in FUNCTIONS


def records(folder: Path, benchmark: str) -> list[Path]:
    """Return the records that a benchmark reads: its model's proof, or its model's trainings."""
    model = benchmark.partition(".")[0]
    found = sorted(folder.glob(f"{model}-*.json"))
    return [path for path in found if path.name.endswith("-proof.json") == is_part(benchmark)]


def forget(folder: Path) -> None:
    """Remove an interrupted run's proofs: the suite may be another since."""
    for path in folder.glob("*-proof.json"):
        path.unlink()


def stored(results_dir: Path, result_file: Path, benchmark: str) -> bytes | None:
    """Return what a result file holds of a proof's benchmark, as the suite's process writes it.

    None where it has nothing, a failure, or the value of another version than asv runs now.
    """
    if not is_part(benchmark) or not result_file.exists():
        return None
    try:
        data, version = _asked_for(results_dir, benchmark)
        figures = results.load_file(result_file)
    except (KasvError, OSError, ValueError, LookupError, TypeError):
        return None
    asked = (benchmark.partition(".")[0], _function(benchmark), data, version)
    for figure in figures:
        if (figure.model, figure.metric, figure.data, figure.version) == asked:
            return None if figure.value is None else json.dumps(figure.value).encode()
    return None


def _asked_for(results_dir: Path, benchmark: str) -> tuple[str, str]:
    """Return the data and the version by which asv asks for a benchmark, from its own list."""
    name, _, index = benchmark.rpartition("-")
    known = json.loads((results_dir / "benchmarks.json").read_bytes())[name]
    return known["params"][0][int(index)].strip("'"), known["version"]


def _function(benchmark: str) -> str:
    return benchmark.rpartition(".")[2].partition("-")[0]
