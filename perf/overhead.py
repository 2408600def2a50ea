"""What a release's whole run takes beside training: at most half as much again is wanted.

One `asv run` of the whole suite on one release: its wall time against the seconds that trainings
spent inside `fit` by their own records. Imports and first compilations (what the first epoch takes
beyond its steps) are counted apart. A benchmark added to the
copy of the suite, last in asv's order, keeps the records.

    python perf/overhead.py --release tensorflow-1.14.0
    python perf/overhead.py --release tensorflow-1.14.0 --quick
    python perf/overhead.py --release tensorflow-1.14.0 --against d9828b6

takes as long as that run: minutes. `--quick` is asv's, which is wanted to end within two minutes.
`--against` runs the suite of another revision of this repository first, for its seconds beside
ours: a release is to cost no more than it did.
"""

import io
import json
import statistics
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import click
from project import ROOT, Project

from kasv import suite

_FIRST_BATCHES = 2  # of the first epoch on small data (benchmarks/training.py)
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
@click.option("--against", metavar="REVISION", help="Time that revision's suite too.")
def main(tag: str, quick: bool, against: str | None) -> None:
    """Print where the time goes."""
    if against:
        click.echo(f"{tag}, the suite of {against}: {other(tag, against):.1f} s")
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


def other(tag: str, revision: str) -> float:
    """Return the seconds of a run of another revision's suite, its environment being there."""
    root = ROOT / "build" / "perf" / f"suite-{revision}"
    archive = ["git", "archive", revision, "benchmarks"]
    content = subprocess.run(archive, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(root, filter="data")
    project = Project("overhead-other", [tag], root / "benchmarks")
    project.build(suite.models(Path(root / "benchmarks")))
    return project.run(f"{tag}^!")


def account(name: str, record: dict[str, Any]) -> dict[str, float]:
    """Return, and print, one training's seconds inside fit, importing and compiling first."""
    seconds = sum(epoch["seconds"] for epoch in record["epochs"])
    blocks = [block for epoch in record["epochs"] for block in epoch.get("step_seconds", ())]
    first = record["epochs"][0]["seconds"] - _FIRST_BATCHES * statistics.median(blocks)
    compiling = max(0.0, first)
    part = {
        "fit": seconds - compiling,
        "evaluate": sum(epoch.get("evaluate_seconds", 0.0) for epoch in record["epochs"]),
        "first compilation": compiling,
        **record["overhead"],
    }
    click.echo(f"{name}: " + ", ".join(f"{key} {value:.1f} s" for key, value in part.items()))
    return part


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
