"""The published epoch that is computed from small data, against one that is really run.

In one process epochs of the small data and of the published data take turns: small, published,
small. From the small ones `records.published_epoch` computes what the other takes. Waits are left
out of both sides: TensorFlow's end with a timer's tick, whatever the work. Wanted: within 5 %.

    python perf/published_epoch.py --release jax-0.10.2-keras-3.15.1 --model mnist_mlp
"""

import statistics

import click
from project import Project

_MODELS = ("mnist_mlp", "imdb_fasttext")

_PAIRS = """
from . import data as preprocessing, records, settings


def samples(training, data):
    training.time_epoch(data)
    training.teardown(data)
    small = training.train
    arrays = preprocessing.load(settings.arrays_path(training.dataset, data))
    training.prepare(arrays, *training.samples["full"])
    published = training.train
    training._train_epoch("steady")  # its last batch is another shape: compile it
    ratios, overheads = [], []
    for pair in range({pairs}):
        training.epochs = []
        for part in (small, published, small):
            training.train = part
            training._train_epoch("steady")
        real = training.epochs.pop(1)
        training.train = small
        record = training._record(data, None)
        computed = records.published_epoch(record)
        (waited,) = records.waits({{"epochs": [real]}})
        ratios.append(computed / (real["seconds"] - waited))
        overheads.append(records.median(records.overheads(record)) / real["seconds"])
    return ratios + overheads
"""


@click.command()
@click.option("--release", "tags", multiple=True, default=["tensorflow-1.14.0"], show_default=True)
@click.option("--model", "models", multiple=True, default=_MODELS, show_default=True)
@click.option("--pairs", default=3, show_default=True, help="Published epochs a model.")
def main(tags: tuple[str, ...], models: tuple[str, ...], pairs: int) -> None:
    """Print computed / run."""
    project = Project("published-epoch", tags)
    for model in models:
        project.add_inside(model, _PAIRS.format(pairs=pairs))
    project.build(models)
    for tag in tags:
        for model in models:
            found = project.measure_inside(tag, model)
            ratios, overheads = found[: len(found) // 2], found[len(found) // 2 :]
            shown = ", ".join(f"{ratio:.3f}" for ratio in ratios)
            overhead = statistics.median(overheads)
            click.echo(
                f"{tag} {model}: computed / run {statistics.median(ratios):.3f} ({shown}); "
                f"a small epoch's overhead is {overhead:.1%} of the published epoch"
            )


if __name__ == "__main__":
    main()
