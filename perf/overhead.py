"""What a release's whole run takes beside training: at most half as much again is wanted.

One `asv run` of the whole suite on one release: its wall time against the seconds that trainings
spent inside `fit` by their own records. Imports and first compilations (the excess of the first
epoch, and of the first evaluation, over later ones) are counted apart. A benchmark added to the
copy of the suite, last in asv's order, keeps the records.

    python perf/overhead.py --release tensorflow-1.14.0
    python perf/overhead.py --release tensorflow-1.14.0 --quick

takes as long as that run: minutes. `--quick` is asv's, which is wanted to end within two minutes.
"""

import json
import statistics
from typing import Any

import click
from project import ROOT, Project

from kasv import suite

_KEEPER = """
import os
import shutil


class Keeper:
    dataset = "mnist"
    params = [["real"]]

    def track_kept(self, data):
        shutil.copytree(os.environ["KASV_RECORDS"], {folder!r})
        return 0
"""


@click.command()
@click.option("--release", "tag", default="tensorflow-1.14.0", show_default=True)
@click.option("--quick", is_flag=True, help="Pass --quick to asv.")
def main(tag: str, quick: bool) -> None:
    """Print where the time goes."""
    project = Project("overhead", [tag])
    kept = project.results / "records"
    keeper = project.suite / "zz_keeper.py"
    keeper.write_text(_KEEPER.format(folder=str(kept)), encoding="utf-8")
    project.build(suite.models(ROOT / "benchmarks"))
    wall = project.run(*(["--quick"] if quick else []), f"{tag}^!")
    records = {path.stem: json.loads(path.read_bytes()) for path in sorted(kept.glob("*.json"))}
    failed = [name for name, record in records.items() if record["failure"]]
    parts = [account(name, records[name]) for name in records if name not in failed]
    summarise(tag, wall, parts, failed)


def account(name: str, record: dict[str, Any]) -> dict[str, float]:
    """Return, and print, one training's seconds inside fit, importing and compiling first."""
    seconds = {kind: [] for kind in ("first", "validated", "steady")}
    for epoch in record["epochs"]:
        seconds[epoch["kind"]].append(epoch["seconds"])
    training = excess(seconds["first"], seconds["steady"])
    evaluations = [e["evaluate_seconds"] for e in record["epochs"] if "evaluate_seconds" in e]
    evaluating = excess(evaluations[:1], evaluations[1:])
    part = {
        "fit": sum(map(sum, seconds.values())) - training,
        "evaluate": sum(evaluations) - evaluating,
        "first compilation": training + evaluating,
        **record["overhead"],
    }
    click.echo(f"{name}: " + ", ".join(f"{key} {value:.1f} s" for key, value in part.items()))
    return part


def excess(first: list[float], later: list[float]) -> float:
    """Return the seconds that the first took longer than the later ones, 0 where there is none."""
    return first[0] - statistics.median(later) if first else 0.0


def summarise(tag: str, wall: float, parts: list[dict[str, float]], failed: list[str]) -> None:
    """Print the whole run's account."""
    total = {key: sum(part[key] for part in parts) for key in parts[0]}
    apart = total["import"] + total["first compilation"]
    click.echo(f"{tag}, {len(parts)} models: {wall:.1f} s, of which")
    click.echo(", ".join(f"{key} {value:.1f} s" for key, value in total.items()))
    click.echo(
        f"without imports and first compilation {wall - apart:.1f} s: "
        f"{(wall - apart) / total['fit']:.2f} times fit (1.5 wanted)"
    )
    if failed:
        click.echo(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
