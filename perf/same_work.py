"""The same-work proof of releases, by `asv run`: the four figures of each model, and the seconds.

    python perf/same_work.py --release tensorflow-2.10.1 --release jax-0.10.2-keras-3.15.1

The seconds are those of the process that trains: import, build, three trainings, two compilations.
"""

import subprocess
import sys

import click
from project import ROOT, Project

from kasv import proof, suite
from kasv.results import Figure

LIMIT = 1e-4  # up to it, a deviation is rounding


@click.command()
@click.option("--release", "tags", multiple=True, required=True)
@click.option("--model", "models", multiple=True, help="Default: all.")
def main(tags: tuple[str, ...], models: tuple[str, ...]) -> None:
    """Print a Markdown row for each release and model."""
    models = models or tuple(suite.models(ROOT / "benchmarks"))
    project = Project("same-work", tags)
    project.build(models)
    click.echo("| release | model | SGD | optimizer | variant | reproducibility | family | s |")
    click.echo("|---|---|---|---|---|---|---|---|")
    for release in project.read_releases():
        for model in models:
            run(project, rf"^{model}\..*\.({'|'.join(proof.FUNCTIONS)})\b", f"{release.tag}^!")
            figures = [f for f in project.figures() if f.commit == release.commit]
            click.echo(f"| {release.tag} | {row(model, figures)} |")


def run(project: Project, benchmarks: str, commits: str) -> None:
    """Call `asv run`, whose status is 2 where a release cannot train a model."""
    command = [sys.executable, "-m", "asv", "run", f"--bench={benchmarks}", commits]
    answer = subprocess.run(
        command, cwd=project.folder, capture_output=True, text=True, check=False
    )
    if answer.returncode not in (0, 2):
        sys.exit(f"{answer.stdout}\n{answer.stderr}")


def row(model: str, figures: list[Figure]) -> str:
    """Return a model's cells."""
    own = [figure for figure in figures if figure.model == model]
    values = {figure.metric: figure.value for figure in own}
    seconds = max(figure.duration or 0.0 for figure in own)
    numbers = [values.get(name) for name in proof.FUNCTIONS]
    texts = ["" if number is None else f"{number:.1e}" for number in numbers]
    return " | ".join([model, *texts, family(values), f"{seconds:.0f}"])


def family(values: dict[str, float | None]) -> str:
    """Name what a release does in a model."""
    by_descent, by_optimizer, by_variant, again = (values.get(name) for name in proof.FUNCTIONS)
    if by_descent is None or by_optimizer is None or again is None:
        return "failed"
    if by_descent > LIMIT:
        return "racing" if again > by_descent / 10 else "wrong"
    if by_optimizer <= LIMIT:
        return "same, as published"
    return f"same, {'variant' if (by_variant or 1) <= LIMIT else 'other'} optimizer"


if __name__ == "__main__":
    main()
