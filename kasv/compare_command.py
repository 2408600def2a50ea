"""The command `kasv compare`."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--machine", help="Whose results (default: this machine's, or the only one's).")
@click.option("--size", type=click.Choice(["small", "full"]), help="Default: asv.conf.json's.")
@click.option("--device", type=click.Choice(["cpu", "gpu"]), help="Default: asv.conf.json's.")
@click.option(
    "--results",
    "results_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of asv's results (default: asv.conf.json's).",
)
@click.option(
    "--threshold",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help="Regressions beyond it make the exit status 1.",
)
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--markdown", "form", flag_value="markdown", help="Print Markdown.")
def compare(
    before: str,
    after: str,
    machine: str | None,
    size: str | None,
    device: str | None,
    results_dir: Path | None,
    threshold: float,
    form: str | None,
) -> None:
    """Compare what was measured of A and of B: tags, backends, or days.

    A backend stands for its newest release with results; a day (2018-06-30) for the newest release
    of each backend as of that day. A change counts where the samples prove it, or where a
    single value moved beyond its metric's tolerance; docs/statistics.md has both.
    """
    from kasv import compare_select, compare_text

    scope = compare_select.scope(results_dir, machine, size, device)
    found = compare_select.comparisons((before, after), scope)
    forms = {"json": compare_text.as_json, "markdown": compare_text.as_markdown}
    click.echo(forms.get(form or "", compare_text.as_text)(found, threshold / 100))
    sys.exit(1 if any(one.regressions(threshold / 100) for one in found) else 0)
