"""The command `kasv interleave`."""

from pathlib import Path

import click

ROUNDS = 4  # what sees a slowdown of 5 % on the machine the results come from (perf/alarms.py)


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--model", "models", multiple=True, help="Which (default: all); may be repeated.")
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=ROUNDS,
    show_default=True,
    help="In each, both releases train twice, and each goes first once.",
)
def interleave(before: str, after: str, models: tuple[str, ...], rounds: int) -> None:
    """Time two releases' epochs in turns, for `kasv compare A B` to bet on.

    Both train at once, and one waits while the other has an epoch. What disturbs the machine then
    disturbs both. Replaces their results of `time_epoch` and `track_step_time`.
    """
    from kasv import build, configuration, history, releases, repo, suite
    from kasv.errors import KasvError
    from kasv.interleave import measure

    config = configuration.load()
    found = releases.load(repo.folder_of(config.repo))
    known = history.History(found, releases.BACKENDS)
    tags = known.resolve(before).tag, known.resolve(after).tag
    if tags[0] == tags[1]:
        raise KasvError(f"{tags[0]} cannot be compared with itself: name two releases")
    suites = suite.models(Path(config.benchmark_dir))
    if unknown := set(models) - set(suites):
        raise KasvError(f"no model {', '.join(unknown)}; there are {', '.join(suites)}")
    Path(config.env_dir).mkdir(parents=True, exist_ok=True)
    build.reserve(Path(config.env_dir))
    measure(tags, models or suites, rounds)
    click.echo(f"now `kasv compare {before} {after}`")
