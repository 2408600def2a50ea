"""The command line `kasv`: what asv's own does not cover.

Each command imports what it needs when it runs, so that `kasv --help` and `kasv releases` answer
at once.
"""

import json
import sys
from pathlib import Path
from typing import Any

import click

from kasv.compare_command import compare
from kasv.errors import KasvError
from kasv.interleave_command import interleave
from kasv.leaderboard_command import leaderboard

_TAGS = click.argument("names", metavar="[TAG ...]", nargs=-1)
_DEVICE = click.option(
    "--device", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True
)


class _Group(click.Group):
    """A group whose commands report a KasvError in one line, with exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KasvError as error:
            click.echo(f"kasv: {error}", err=True)
            sys.exit(2)


@click.group(cls=_Group)
@click.version_option(package_name="kasv")
def main() -> None:
    """Benchmark Keras backends across releases; `asv run`, `compare` and `publish` do the rest."""


@main.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def releases(context: click.Context, as_json: bool) -> None:
    """List the releases that can be measured, and those that cannot be had."""
    if context.invoked_subcommand is None:
        from kasv import listing

        click.echo(listing.as_json() if as_json else listing.as_table())


@releases.command()
@click.argument("tag")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def show(tag: str, as_json: bool) -> None:
    """Show a release: its pins, its dates, and what changed since the one before it."""
    from kasv import listing

    click.echo(listing.show(tag, as_json=as_json))


@main.command()
@_TAGS
@_DEVICE
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How many to build at a time.",
)
def build(names: tuple[str, ...], device: str, jobs: int) -> None:
    """Build environments ahead of `asv run`: of releases, branches or ranges (default: all).

    What is built already is left alone, so an interrupted build goes on where it stopped.
    """
    from kasv import fleet

    failed = fleet.build_all(fleet.select(names), device, _env_dir(), jobs)
    for reason in failed.values():  # each names its release
        click.echo(reason, err=True)
    sys.exit(1 if failed else 0)


@main.command()
@_TAGS
@_DEVICE
@click.option("--machine", is_flag=True, help="Look at how quiet this machine is instead.")
def doctor(names: tuple[str, ...], device: str, machine: bool) -> None:
    """Tell for each release whether it can run here and, if not, what would change that."""
    from kasv import fleet

    if machine:
        from kasv import load

        click.echo(load.report())
        return
    click.echo(fleet.diagnose(fleet.select(names), device, _env_dir()))


@main.command()
def prune() -> None:
    """Remove environments that no release names any more, and what killed builds left."""
    from kasv import fleet

    for path in fleet.prune(_env_dir()):
        click.echo(f"removed {path}")


@main.command()
@click.option("--check", is_flag=True, help="Only tell; exit status 1 where something is new.")
def update(check: bool) -> None:
    """Ask the package index for newer releases and add them, with their locks."""
    from kasv import growth

    added = growth.check() if check else growth.update()
    for line in added:
        click.echo(line)
    if not added:
        click.echo("nothing is new")
    sys.exit(1 if check and added else 0)


@main.command()
@click.option("--name", help="The machine's name in the results (default: its processor's).")
def machine(name: str | None) -> None:
    """Describe this machine to asv without asking questions, with its GPU if it has one.

    Its name follows from its processor and the number of its cores, as in amd-epyc-2cpu, so that
    the results of different processors never share a line.
    """
    from kasv import configuration, machines

    results_dir = Path(configuration.load().results_dir)
    click.echo(f"this machine is known to asv as {machines.register(name, results_dir)}")


main.add_command(compare)
main.add_command(interleave)
main.add_command(leaderboard)


def _env_dir() -> Path:
    """Return the folder of environments that asv.conf.json in the current folder names."""
    try:
        configuration = json.loads(Path("asv.conf.json").read_bytes())
        return Path(configuration["env_dir"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KasvError(f"asv.conf.json: {error}; run kasv in its checkout's folder") from error
