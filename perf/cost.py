"""What a result costs: our suite against the one that an asv user would write (perf/plain).

The same four metrics (an epoch's time, accuracy, loss, peak memory) of the same models and
releases, each by `asv run` with its defaults, side by side; environments and data are there
beforehand. At least 5 times less is wanted in the median.

    python perf/cost.py

takes about 10 minutes on two quiet cores.
"""

import ast
import json
import statistics

import click
from project import ROOT, Project

_METRICS = "time_epoch|track_accuracy|track_loss|track_peak_memory|peakmem_epoch"


@click.command()
@click.option(
    "--release",
    "tags",
    multiple=True,
    default=["tensorflow-1.14.0", "cntk-2.7.post2"],
    show_default=True,
)
@click.option(
    "--model",
    "models",
    multiple=True,
    default=["mnist_mlp", "mnist_cnn", "mnist_hierarchical_rnn"],
    show_default=True,
)
def main(tags: tuple[str, ...], models: tuple[str, ...]) -> None:
    """Print what each side costs."""
    plain = Project("cost-plain", tags, ROOT / "perf" / "plain")
    ours = Project("cost-ours", tags)
    samples = {model: small(ours, model) for model in models}
    (plain.suite / "samples.json").write_text(json.dumps(samples))
    ours.build(models)
    ratios = []
    for tag in tags:
        for model in models:
            seconds = [measure(project, tag, model) for project in (plain, ours)]
            ratios.append(seconds[0] / seconds[1])
            click.echo(
                f"{tag} {model}: plain {seconds[0]:.1f} s, ours {seconds[1]:.1f} s: "
                f"{ratios[-1]:.1f} times less"
            )
    click.echo(f"median: {statistics.median(ratios):.1f} times less (5 wanted)")


def small(project: Project, model: str) -> tuple[int, int]:
    """Return how many samples for training and test a model takes at `small`."""
    for node in ast.walk(ast.parse((project.suite / f"{model}.py").read_bytes())):
        match node:
            case ast.Assign([ast.Name("samples")], value):
                train, test = ast.literal_eval(value)["small"]
                return train, test
    raise click.BadParameter(f"{model} names no samples")


def measure(project: Project, tag: str, model: str) -> float:
    """Return the seconds of one `asv run` for a model's four metrics on a release."""
    return project.run(rf"--bench=^{model}\..*\.({_METRICS})\b", f"{tag}^!")


if __name__ == "__main__":
    main()
