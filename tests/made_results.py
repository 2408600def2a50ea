"""Results that nobody measured, in asv's own files: inputs for the tests of what shows results.

Every value follows from a formula, so that a page's numbers can be checked against it.
"""

import json
import math
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from asv.results import Results
from asv.runner import BenchmarkResult

from kasv import metrics, releases

ROOT = Path(__file__).parent.parent
MODELS = {
    "mnist_mlp": "MnistMlp",
    "mnist_cnn": "MnistCnn",
    "mnist_hierarchical_rnn": "MnistHierarchicalRnn",
    "cifar10_cnn": "Cifar10Cnn",
    "babi_rnn": "BabiRnn",
    "imdb_bidirectional_lstm": "ImdbBidirectionalLstm",
    "imdb_fasttext": "ImdbFasttext",
    "lstm_text_generation": "LstmTextGeneration",
}
VARIABLES = {"KASV_SIZE": "small", "KASV_DEVICE": "cpu", "KASV_THREADS": "1"}
MACHINE = "test-machine"
EPOCHS = 7
STEPS = 50  # of an epoch
PUBLISHED_STEPS = 469
UNITS = {metric.name: metric.unit for metric in metrics.METRICS.values()}
UNITS["track_history"] = "accuracy"
_OTHER_PINS = {"asv-runner": "0.3.2", "numpy": "1.19.5"}


def write_releases(
    folder: Path, each: int = 4, backends: Iterable[str] = releases.BACKENDS
) -> None:
    """Write each backend's releases 1.0, 1.1, ...: one every 200 days from 2017-06-01 on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, backend in enumerate(backends):
        entries = [_entry(backend, step, number) for step in range(each)]
        (folder / f"{backend}.toml").write_text("\n".join(entries))


def _entry(backend: str, step: int, number: int) -> str:
    day = datetime(2017, 6, 1) + timedelta(days=200 * step + number)
    pins = {**_OTHER_PINS, backend: f"1.{step}", "keras": f"2.{step}.0", "h5py": f"3.{step // 2}"}
    lock = "".join(f"{name}=={v} --hash=sha256:{'0' * 64}\n" for name, v in pins.items())
    return (
        f'["{backend}-1.{step}"]\nversion = "1.{step}"\ndate = {day:%Y-%m-%dT%H:%M:%S}Z\n'
        f'python = "3.{6 + step // 3}"\nkeras = "2.{step}.0"\nrequires = ["{backend}==1.{step}"]\n'
        f'lock = """\n{lock}"""\n'
    )


def seconds(backend: str, step: int, model: str) -> float:
    """Return the made time of an epoch: the third release of each backend is slower by half."""
    base = 0.5 * (1 + releases.BACKENDS.index(backend)) * (1 + list(MODELS).index(model))
    return base * (1.5 if step >= 2 else 1.0)


def step(backend: str, number: int, model: str) -> float:
    """Return the made time of a step: nine tenths of an epoch are its steps."""
    return 0.9 * seconds(backend, number, model) / STEPS


def published_epoch(backend: str, number: int, model: str) -> float:
    """Return the made time of an epoch of the published data."""
    of_steps = PUBLISHED_STEPS * step(backend, number, model)
    return of_steps + 0.1 * seconds(backend, number, model)


def accuracy(backend: str, model: str, epoch: int = EPOCHS) -> float:
    """Return the made accuracy after an epoch."""
    end = 0.95 - 0.01 * releases.BACKENDS.index(backend) - 0.05 * list(MODELS).index(model)
    return end * (1 - math.exp(-epoch))


def write_result(
    folder: Path,
    release: releases.Release,
    machine: str = MACHINE,
    variables: dict[str, str] = VARIABLES,
    failing: Iterable[str] = (),
    models: Iterable[str] = MODELS,
    changed: Mapping[str, float] = MappingProxyType({}),
) -> Path:
    """Write a release's results as `asv run` does; the models in `failing` have failed.

    `changed` replaces the made values of some metrics.
    """
    environment = "keras-" + "-".join(key + value for key, value in sorted(variables.items()))
    date = int(release.date.timestamp() * 1000)
    file = Results({"machine": machine}, {}, release.commit, date, "pinned", environment, variables)
    for model in models:
        for metric in UNITS:
            values = _values(release, model, metric, changed)
            failed = [None] * len(values) if model in failing else values
            _add(file, model, metric, failed)
    file.save(str(folder))
    machine_file = folder / machine / "machine.json"
    machine_file.write_text(json.dumps({"machine": machine, "version": 1}))
    return folder / file._filename


def _values(
    release: releases.Release, model: str, metric: str, changed: Mapping[str, float]
) -> list[float]:
    if metric == "track_history":
        curve = [accuracy(release.backend, model, epoch + 1) for epoch in range(EPOCHS)]
        return _by_data(model, curve)
    return _by_data(model, [{**_made(release, model), **changed}[metric]])


def _made(release: releases.Release, model: str) -> dict[str, float]:
    """Return a value for each metric; what is n/a on a CPU is so here."""
    number = int(release.version.split(".")[1])
    epoch = seconds(release.backend, number, model)
    of_step = step(release.backend, number, model)
    end = accuracy(release.backend, model)
    judged = model != "lstm_text_generation"
    return {
        "track_step_time": of_step,
        "track_step_cpu": of_step,
        "track_epoch_overhead": 0.1 * epoch,
        "track_published_epoch": published_epoch(release.backend, number, model),
        "time_epoch": epoch,
        "track_first_epoch": 2 * epoch,
        "track_epoch_with_validation": 1.2 * epoch,
        "track_samples_per_second": 6400 / epoch,
        "track_accuracy": end if judged else math.nan,
        "track_error": 1 - end if judged else math.nan,
        "track_chance_accuracy": 0.12 if judged else math.nan,
        "track_loss": 3 * (1 - end),
        "track_peak_memory": 5e8 + 1e6 * number,
        "track_gpu_peak_memory": math.nan,
        "track_gpu_energy": math.nan,
        "track_spread": 0.01,
        "track_other_load": 0.0,
        "track_waiting": 0.0,
        "track_deviation": 1e-7,
        "track_optimizer_deviation": 1e-7,
        "track_variant_deviation": 1e-2,
        "track_reproducibility": 0.0,
    }


def _by_data(model: str, values: list[float]) -> list[float]:
    """Put the values under the model's data: bAbI's is generated, its real data is missing."""
    return [math.nan] * len(values) + values if model == "babi_rnn" else values


def _params(model: str, metric: str) -> list[list[str]]:
    data = ["'real'", "'generated'"] if model == "babi_rnn" else ["'real'"]
    epochs = [[str(epoch + 1) for epoch in range(EPOCHS)]]
    return [data, *(epochs if metric == "track_history" else [])]


def _add(file: Results, model: str, metric: str, values: list[float | None]) -> None:
    blocks = {"time_epoch": 1, "track_step_time": 2}.get(metric, 0)
    samples = [
        [0.99 * v, v, 1.01 * v] * blocks if blocks and v is not None and not math.isnan(v) else None
        for v in values
    ]
    numbers = [1 if s else None for s in samples]
    benchmark = {
        "name": full_name(model, metric),
        "version": "1.1",
        "params": _params(model, metric),
    }
    file.add_result(
        benchmark, BenchmarkResult(values, samples, numbers, 0, "", None), record_samples=True
    )


def full_name(model: str, metric: str) -> str:
    """Return a benchmark's name as asv has it."""
    return f"{model}.{MODELS[model]}.{metric}"


def write_benchmarks(folder: Path) -> None:
    """Write the `benchmarks.json` that `asv run` leaves beside the machines' folders."""
    made: dict[str, object] = {"version": 2}
    for model in MODELS:
        for metric, unit in UNITS.items():
            made[full_name(model, metric)] = _benchmark(model, metric, unit)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps(made))


def _benchmark(model: str, metric: str, unit: str) -> dict[str, object]:
    return {
        "name": full_name(model, metric),
        "type": "time" if metric == "time_epoch" else "track",
        "unit": unit,
        "version": "1.1",
        "params": _params(model, metric),
        "param_names": ["data", "epoch"][: len(_params(model, metric))],
        "code": "",
        "timeout": 60,
        **({"repeat": 3} if metric == "time_epoch" else {}),
    }


def write_project(folder: Path, **changes: object) -> Path:
    """Write an `asv.conf.json` like the repository's for releases and results in `folder`."""
    configuration = json.loads((ROOT / "asv.conf.json").read_text())
    configuration.update(
        repo=str(folder / "backends"),
        benchmark_dir=str(ROOT / "benchmarks"),
        results_dir=str(folder / "results"),
        html_dir=str(folder / "html"),
        env_dir=str(folder / "env"),
        **changes,
    )
    path = folder / "asv.conf.json"
    path.write_text(json.dumps(configuration))
    return path


def publish(project: Path) -> Path:
    """Have asv publish a project; return the folder of the site."""
    command = [sys.executable, "-m", "asv", "--config", str(project), "publish"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=300)
    return project.parent / "html"


def write_everything(folder: Path, each: int = 4) -> Path:
    """Write releases, results of all of them and what `asv publish` needs; return its file."""
    write_releases(folder / "backends", each)
    for release in releases.load(folder / "backends"):
        failing = ["imdb_fasttext"] if release.backend == "mxnet" else []
        write_result(folder / "results", release, failing=failing)
    write_benchmarks(folder / "results")
    return write_project(folder)
