"""The suite's work against the published scripts': processor seconds of an epoch of each.

In one process in the release's environment, started by `asv run`, epochs of the suite's model and
of the bare example (`perf/plain/scripts.py`) alternate, with the same samples in the same batches,
each pair's second half in the opposite order of its first, so that neither a drift nor CNTK, whose
epochs are slow and fast alternately, favours a side. Where a difference is known, the example runs
a third time without it: with sigmoid gates, or without its augmentation. Wanted: 3 % at most;
what exceeds it stands in `benchmarks/README.md` with its reason.

    python perf/published.py --release tensorflow-1.14.0 --model mnist_mlp

takes about a minute a model and release; all of both where none is named.
"""

import statistics
from collections.abc import Iterator
from typing import NamedTuple

import click
from project import ROOT, Project

from kasv import suite

_RELEASES = ["tensorflow-1.3.0", "tensorflow-1.14.0", "mxnet-1.2.1", "cntk-2.7.post2"]

# Whole batches, so that the script's steps are the suite's
_SAMPLES = {
    "babi_rnn": 64,
    "cifar10_cnn": 512,
    "imdb_bidirectional_lstm": 192,
    "imdb_fasttext": 1600,
    "lstm_text_generation": 512,
    "mnist_cnn": 384,
    "mnist_hierarchical_rnn": 96,
    "mnist_mlp": 2560,
}

# What the example does a third time, by its attributes
_SIGMOID = {"lstm": {"recurrent_activation": "sigmoid"}}
_VARIANTS: dict[str, dict[str, object]] = {
    "babi_rnn": _SIGMOID,
    "cifar10_cnn": {"augments": False},
    "imdb_bidirectional_lstm": _SIGMOID,
    "lstm_text_generation": _SIGMOID,
    "mnist_hierarchical_rnn": _SIGMOID,
}

_SIDES = """
import time

from .plain import scripts


def samples(training, data):
    ours = suite_side(training, data)
    sides = [ours, *(script_side(training, data, changed) for changed in {scripts})]
    seconds = []
    for pair in range({pairs}):
        order = list(range(len(sides)))
        order = order[pair % len(sides):] + order[:pair % len(sides)]
        spent = [0.0] * len(sides)
        for index in order + order[::-1]:
            spent[index] += sides[index]()
        seconds.extend(spent)
    return seconds


def suite_side(training, data):
    training.samples = dict.fromkeys(training.samples, ({samples}, training.batch_size))

    def epoch():
        start = time.process_time()
        training.time_epoch(data)
        seconds = time.process_time() - start
        training.teardown(data)
        return seconds

    epoch()  # sets up Keras, which the scripts use as they find it
    return epoch


def script_side(training, data, changed):
    script = getattr(scripts, type(training).__name__)()
    vars(script).update(changed, source=data)
    x, y = script.load("train", {samples})
    model = script.build()
    if model.count_params() != training.parameters:
        raise RuntimeError("the script's model has other parameters than the suite's")

    def epoch():
        start = time.process_time()
        script.fit(model, x, y, 1)
        if training.keras.backend == "mxnet":
            import mxnet

            mxnet.nd.waitall()
        return time.process_time() - start

    epoch()
    return epoch
"""


class Ratios(NamedTuple):
    """Medians of a model's pairs; those of the changed script None where there is none."""

    suite: float  # / script
    changed: float | None  # / script
    suite_changed: float | None  # suite / changed script


@click.command()
@click.option("--release", "tags", multiple=True, default=_RELEASES, show_default=True)
@click.option("--model", "models", multiple=True, help="Default: every model.")
@click.option("--pairs", default=5, show_default=True, help="Pairs of epochs a model.")
def main(tags: tuple[str, ...], models: tuple[str, ...], pairs: int) -> None:
    """Print suite / script by model and release, as rows of the table in benchmarks/README.md."""
    project = Project("published", tags)
    copy_scripts(project)
    chosen = models or tuple(suite.models(ROOT / "benchmarks"))
    for model in chosen:
        add_sides(project, model, pairs)
    project.build(chosen)
    for model in chosen:
        found = [measure(project, tag, model) for tag in tags]
        click.echo(f"| `{model}` | " + " | ".join(cell(ratios) for ratios in found) + " |")


def copy_scripts(project: Project) -> None:
    """Put the bare models beside the suite, in the project's copy."""
    folder = project.suite / "plain"
    folder.mkdir()
    for name in ("__init__.py", "scripts.py"):
        (folder / name).write_bytes((ROOT / "perf" / "plain" / name).read_bytes())


def add_sides(project: Project, model: str, pairs: int) -> None:
    """Add the alternating epochs to the project's copy of the suite."""
    if model not in _SAMPLES:
        raise click.BadParameter(f"there is no script of {model}")
    scripts = [{}, *([_VARIANTS[model]] if model in _VARIANTS else [])]
    source = _SIDES.format(pairs=pairs, samples=_SAMPLES[model], scripts=scripts)
    project.add_inside(model, source)


def measure(project: Project, tag: str, model: str) -> Ratios:
    """Return a model's ratios on a release; print each pair's seconds to standard error."""
    samples = project.measure_inside(tag, model)
    pairs = list(_grouped(samples, 3 if model in _VARIANTS else 2))
    shown = ", ".join("/".join(f"{seconds:.2f}" for seconds in pair) for pair in pairs)
    click.echo(f"{tag} {model}: {shown}", err=True)
    return ratios_of(pairs)


def ratios_of(pairs: list[tuple[float, ...]]) -> Ratios:
    """Return the medians of pairs of seconds: suite, script and, where it ran, changed script."""
    first = statistics.median(pair[0] / pair[1] for pair in pairs)
    if len(pairs[0]) == 2:
        return Ratios(first, None, None)
    changed = statistics.median(pair[2] / pair[1] for pair in pairs)
    return Ratios(first, changed, statistics.median(pair[0] / pair[2] for pair in pairs))


def cell(ratios: Ratios) -> str:
    """Return a cell of the table: suite / script, and (changed / script, suite / changed)."""
    if ratios.changed is None:
        return f"{ratios.suite:.3f}"
    return f"{ratios.suite:.3f} ({ratios.changed:.3f}, {ratios.suite_changed:.3f})"


def _grouped(samples: list[float], size: int) -> Iterator[tuple[float, ...]]:
    for start in range(0, len(samples), size):
        yield tuple(samples[start : start + size])


if __name__ == "__main__":
    main()
