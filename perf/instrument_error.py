"""The instrument's error: `fit` with our clock in it against `fit` without, in one process.

Epochs of the same training alternate. A pair is two epochs of each, ours in the middle or outside
in turns, so that neither a drift nor CNTK, whose epochs are slow and fast alternately, favours a
side. An epoch's processor seconds are compared and its wall seconds too; where TensorFlow's epochs
end with a timer's tick, the wall says nothing. Wanted: within 0.5 % in the median over all models
and newest releases, 2 % at worst.

    python perf/instrument_error.py --release tensorflow-1.14.0 --model mnist_mlp

trains 41 epochs a model for its ten pairs; all models where none is named.
"""

import statistics

import click
from project import ROOT, Project

from kasv import suite

_PAIRS = """
import time
import timeit


def samples(training, data):
    training.time_epoch(data)
    wall, cpu = [], []
    for pair in range({pairs}):
        sums = {{True: [0.0, 0.0], False: [0.0, 0.0]}}
        for is_ours in (True, False, False, True) if pair % 2 else (False, True, True, False):
            for clock, seconds in enumerate(epoch(training, is_ours)):
                sums[is_ours][clock] += seconds
        wall.append(sums[True][0] / sums[False][0])
        cpu.append(sums[True][1] / sums[False][1])
    return wall + cpu


def epoch(training, is_ours):
    x, y = training.train
    clock = training._step_clock() if is_ours else None
    x = training.augment(x)
    start = timeit.default_timer(), time.process_time()
    training.keras.fit(training.model, x, y, training.batch_size, None, clock)
    training._synchronise()  # MXNet's fit returns before the last batch is done
    return timeit.default_timer() - start[0], time.process_time() - start[1]
"""


@click.command()
@click.option("--release", "tags", multiple=True, default=["tensorflow-1.14.0"], show_default=True)
@click.option("--model", "models", multiple=True, help="Default: every model.")
@click.option("--pairs", default=10, show_default=True, help="Pairs of epochs a model.")
def main(tags: tuple[str, ...], models: tuple[str, ...], pairs: int) -> None:
    """Print the median ratio of each model's pairs, and their median."""
    project = Project("instrument-error", tags)
    chosen = models or tuple(suite.models(ROOT / "benchmarks"))
    for model in chosen:
        project.add_inside(model, _PAIRS.format(pairs=pairs))
    project.build(chosen)
    medians = [measure(project, tag, model) for tag in tags for model in chosen]
    middle = statistics.median(medians)
    worst = max(medians, key=lambda ratio: abs(ratio - 1))
    click.echo(f"processor time: {middle - 1:+.2%} in the median, {worst - 1:+.2%} at worst")


def measure(project: Project, tag: str, model: str) -> float:
    """Return the median ratio of a model's pairs in processor time."""
    ratios = project.measure_inside(tag, model)
    half = len(ratios) // 2
    wall, cpu = statistics.median(ratios[:half]), statistics.median(ratios[half:])
    shown = ", ".join(f"{ratio:.3f}" for ratio in ratios[half:])
    click.echo(f"{tag} {model}: processor {cpu - 1:+.2%}, wall {wall - 1:+.2%} (pairs: {shown})")
    return cpu


if __name__ == "__main__":
    main()
