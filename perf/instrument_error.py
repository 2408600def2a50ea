"""The instrument's error: the suite's `time_epoch` against a bare call of Keras's `fit`.

In one process in the release's environment, started by `asv run`, epochs of the same training
alternate: some by `time_epoch`, their seconds read as asv reads them, some by `model.fit` between
two readings of the clock. A pair is two epochs of each, ours in the middle or outside in turns, so
that neither a drift nor CNTK, whose epochs are slow and fast alternately, favours a side. MXNet's
`fit` returns before the last batch is done, which would then fall into our epoch: the second
reading waits for it. Wanted: at most 1 % in the median over the models on TensorFlow, 2 % on the
other backends.

    python perf/instrument_error.py --release tensorflow-1.14.0 --model mnist_mlp

trains 40 epochs a model for its ten pairs, minutes for all eight on two quiet cores; all models
where none is named.
"""

import ast
import statistics
from pathlib import Path

import click
from project import ROOT, Project

from kasv import suite

_PAIRS = """
import gc
import timeit

from . import {model} as suite


class Pairs:
    dataset = "{dataset}"
    params = suite.{name}.params
    timeout = 36000

    def setup(self, data):
        suite.{name}().setup(data)

    def track_ratio(self, data):
        training = suite.{name}()
        self.ours(training, data)
        ratios = []
        for pair in range({pairs}):
            ours = bare = 0.0
            for is_ours in (True, False, False, True) if pair % 2 else (False, True, True, False):
                if is_ours:
                    ours += self.ours(training, data)
                else:
                    bare += self.bare(training)
            ratios.append(ours / bare)
        return {{"samples": ratios, "number": 1}}

    def ours(self, training, data):
        gc.disable()  # as asv's timer does
        before = training.timer()
        training.time_epoch(data)
        seconds = training.timer() - before
        training.teardown(data)
        return seconds

    def bare(self, training):
        gc.enable()
        x, y = training.train
        arguments = {{"batch_size": training.batch_size, "verbose": 0, training.keras.epochs: 1}}
        start = timeit.default_timer()
        training.model.fit(training.augment(x), y, **arguments)
        if training.keras.backend == "mxnet":
            import mxnet

            mxnet.nd.waitall()
        return timeit.default_timer() - start
"""


@click.command()
@click.option("--release", "tags", multiple=True, default=["tensorflow-1.14.0"], show_default=True)
@click.option("--model", "models", multiple=True, help="Default: every model.")
@click.option("--pairs", default=10, show_default=True, help="Pairs of epochs a model.")
def main(tags: tuple[str, ...], models: tuple[str, ...], pairs: int) -> None:
    """Print the ratio of each pair and their medians."""
    project = Project("instrument-error", tags)
    chosen = models or tuple(suite.models(ROOT / "benchmarks"))
    for model in chosen:
        write_pairs(project, model, pairs)
    project.build(chosen)
    for tag in tags:
        medians = [measure(project, tag, model) for model in chosen]
        middle = statistics.median(medians)
        click.echo(f"{tag}: {middle - 1:+.2%} in the median over {len(medians)} models")


def class_of(path: Path) -> tuple[str, str] | None:
    """Return the name and the data set of the benchmark class in a module of the suite."""
    for node in ast.parse(path.read_bytes()).body:
        for line in node.body if isinstance(node, ast.ClassDef) else []:
            match line:
                case ast.Assign([ast.Name("dataset")], ast.Constant(str(dataset))):
                    return node.name, dataset
    return None


def write_pairs(project: Project, model: str, pairs: int) -> None:
    """Add the alternating epochs to the project's copy of the suite."""
    found = class_of(project.suite / f"{model}.py")
    if found is None:
        raise click.BadParameter(f"the suite has no model {model}")
    text = _PAIRS.format(model=model, name=found[0], dataset=found[1], pairs=pairs)
    (project.suite / f"pairs_{model}.py").write_text(text, encoding="utf-8")


def measure(project: Project, tag: str, model: str) -> float:
    """Return the median ratio of a model's pairs."""
    project.run("--record-samples", rf"--bench=^pairs_{model}\.", f"{tag}^!")
    (commit,) = [r.commit for r in project.read_releases() if r.tag == tag]
    ratios = [
        ratio
        for figure in project.figures()
        if figure.commit == commit and figure.model == f"pairs_{model}"
        for ratio in figure.samples
    ]
    median = statistics.median(ratios)
    shown = ", ".join(f"{ratio:.3f}" for ratio in ratios)
    click.echo(f"{tag} {model}: {median - 1:+.2%} (pairs: {shown})")
    return median


if __name__ == "__main__":
    main()
