"""The instrument's error: the suite's `time_epoch` against a bare loop around Keras's `fit`.

Both train the same model on the same data in the same environment, in processes that alternate
within one `asv run`; the bare loop calls `model.fit` and reads the clock, nothing else. A pair is a
process of each; its error is the ratio of their fastest epochs. Wanted: at most 1 % in the median
over the models on TensorFlow, 2 % on the other backends.

    python perf/instrument_error.py --release tensorflow-1.14.0 --model mnist_mlp

takes 15 s a pair for a small model on two quiet cores, five pairs by default; all models where none
is named.
"""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import click
from project import ROOT, Project

from kasv.results import Figure

_BARE = """
import gc
import timeit

from . import {model} as suite


class Bare:
    dataset = "{dataset}"
    params = suite.{name}.params
    timeout = 3600

    def setup(self, data):
        suite.{name}().setup(data)

    def track_epoch(self, data):
        training = suite.{name}()
        training._load(data)
        training._build()
        model, (x, y) = training.model, training.train
        arguments = {{"batch_size": training.batch_size, "verbose": 0, training.keras.epochs: 1}}
        gc.enable()
        samples = []
        for _ in range(2 + training.repeat):
            start = timeit.default_timer()
            model.fit(training.augment(x), y, **arguments)
            samples.append(timeit.default_timer() - start)
        return {{"samples": samples[2:], "number": 1}}
"""


@click.command()
@click.option("--release", "tags", multiple=True, default=["tensorflow-1.14.0"], show_default=True)
@click.option("--model", "models", multiple=True, help="Default: every model.")
@click.option("--pairs", default=5, show_default=True)
def main(tags: tuple[str, ...], models: tuple[str, ...], pairs: int) -> None:
    """Print the ratio of each pair and their medians."""
    project = Project("instrument-error", tags)
    chosen = models or tuple(find_models())
    for model in chosen:
        write_bare(project, model)
    project.build(chosen)
    for tag in tags:
        medians = [statistics.median(measure(project, tag, model, pairs)) for model in chosen]
        middle = statistics.median(medians)
        click.echo(f"{tag}: {middle - 1:+.2%} in the median over {len(medians)} models")


def find_models() -> Iterator[str]:
    """Yield the suite's models: the modules whose class names its data set."""
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        if class_of(path) and path.stem != "training":
            yield path.stem


def class_of(path: Path) -> tuple[str, str] | None:
    """Return the name and the data set of the benchmark class in a module of the suite."""
    for node in ast.parse(path.read_bytes()).body:
        for line in node.body if isinstance(node, ast.ClassDef) else []:
            match line:
                case ast.Assign([ast.Name("dataset")], ast.Constant(str(dataset))):
                    return node.name, dataset
    return None


def write_bare(project: Project, model: str) -> None:
    """Add the bare loop to the project's copy of the suite."""
    found = class_of(project.suite / f"{model}.py")
    if found is None:
        raise click.BadParameter(f"the suite has no model {model}")
    text = _BARE.format(model=model, name=found[0], dataset=found[1])
    (project.suite / f"bare_{model}.py").write_text(text, encoding="utf-8")


def measure(project: Project, tag: str, model: str, pairs: int) -> list[float]:
    """Return the ratio of each pair."""
    project.run(
        "--record-samples",
        f"--attribute=rounds={pairs}",
        rf"--bench=^{model}\..*\.time_epoch\b",
        rf"--bench=^bare_{model}\.",
        f"{tag}^!",
    )
    (commit,) = [r.commit for r in project.read_releases() if r.tag == tag]
    figures = [f for f in project.figures() if f.commit == commit]
    (ours,) = fastest(figures, model, pairs)
    (bare,) = fastest(figures, f"bare_{model}", pairs)
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    shown = ", ".join(f"{ratio:.4f}" for ratio in ratios)
    click.echo(f"{tag} {model}: {shown}; median {statistics.median(ratios):.4f}")
    return ratios


def fastest(figures: list[Figure], model: str, rounds: int) -> Iterator[list[float]]:
    """Yield the fastest epoch of each round."""
    for figure in figures:
        if figure.model == model and figure.samples:
            size = len(figure.samples) // rounds
            yield [min(figure.samples[i * size : (i + 1) * size]) for i in range(rounds)]


if __name__ == "__main__":
    main()
