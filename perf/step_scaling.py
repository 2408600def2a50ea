"""Whether a step's time depends on how many samples an epoch has: it must not.

In one process epochs of the model's small data and epochs of one and a half times as many samples
alternate, in ABBA order; each pair gives the ratio of their steps' times. Wanted: within 2 % in the
median. For comparison the script prints the same ratio of the whole epochs, which TensorFlow ends
with a timer's tick: 1.5 would be right.

    python perf/step_scaling.py --release tensorflow-2.21.0-keras-3.15.1 --model mnist_mlp
"""

import statistics

import click
from project import Project

_MODELS = ("mnist_mlp", "imdb_fasttext")

_PAIRS = """
def samples(training, data):
    small, test = training.samples["small"]
    training.samples = dict(training.samples, small=(small * 3 // 2, test))
    training.time_epoch(data)
    more = training.train
    fewer = cut(more[0], small), more[1][:small]
    steps, cpu, epochs = [], [], []
    for pair in range({pairs}):
        found = {{1: [], 2: []}}
        for which in (1, 2, 2, 1):
            training.train = more if which == 2 else fewer
            training._train_epoch("steady")
            found[which].append(training.epochs[-1])
        steps.append(ratio(found, lambda epoch: middle(epoch["step_seconds"])))
        cpu.append(ratio(found, lambda epoch: middle(epoch["step_cpu_seconds"])))
        epochs.append(ratio(found, lambda epoch: epoch["seconds"]))
    return steps + cpu + epochs


def cut(x, count):
    return [column[:count] for column in x] if isinstance(x, list) else x[:count]


def middle(values):
    return sum(values) / len(values)


def ratio(found, value):
    return sum(map(value, found[2])) / sum(map(value, found[1]))
"""


@click.command()
@click.option("--release", "tags", multiple=True, default=["tensorflow-1.14.0"], show_default=True)
@click.option("--model", "models", multiple=True, default=_MODELS, show_default=True)
@click.option("--pairs", default=6, show_default=True, help="Pairs of pairs of epochs a model.")
def main(tags: tuple[str, ...], models: tuple[str, ...], pairs: int) -> None:
    """Print the median ratios."""
    project = Project("step-scaling", tags)
    for model in models:
        project.add_inside(model, _PAIRS.format(pairs=pairs))
    project.build(models)
    for tag in tags:
        for model in models:
            ratios = project.measure_inside(tag, model)
            third = len(ratios) // 3
            parts = [statistics.median(ratios[i : i + third]) for i in (0, third, 2 * third)]
            steps, cpu, epochs = parts
            click.echo(
                f"{tag} {model}, 1.5 times the samples: a step takes {steps:.3f} times as long "
                f"({cpu:.3f} in processor time), an epoch {epochs:.2f} times"
            )


if __name__ == "__main__":
    main()
