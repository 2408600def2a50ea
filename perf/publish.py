"""What our pages add to `asv publish`: at most a quarter of its own time is wanted.

asv publishes the same results without our pages and with them, in turns, each time as a process of
its own; the results are made, like those of the tests, of sixty releases. Then the same once for
ten thousand result files.

    python perf/publish.py
    python perf/publish.py --pairs 9 --files 0

The first takes about half an hour, nearly all of it asv's with the many files.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import click

from kasv import releases

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import made_results as made  # noqa: E402  # it lies beside the tests that it is made for

ALONE = [".kasv.repo", ".kasv.environment"]
WITH_OURS = [".kasv.plugin"]
RELEASES = 10  # of each backend


@click.command()
@click.option("--pairs", default=5, show_default=True, help="How often to publish sixty releases.")
@click.option(
    "--files", default=10_000, show_default=True, help="How many to publish once; 0: none."
)
def main(pairs: int, files: int) -> None:
    """Print seconds of `asv publish` without our pages and with them."""
    with tempfile.TemporaryDirectory() as folder:
        project = made.write_everything(Path(folder), each=RELEASES)
        publish(project, WITH_OURS)  # fetches the scripts of asv's page, compiles the templates
        show(
            project, [(publish(project, ALONE), publish(project, WITH_OURS)) for _ in range(pairs)]
        )
    if files:
        with tempfile.TemporaryDirectory() as folder:
            project = write_many(Path(folder), files)
            show(project, [(publish(project, ALONE), publish(project, WITH_OURS))])


class Cost(NamedTuple):
    """Seconds on the clock, and on the processors: these say more on a busy machine."""

    clock: float
    processor: float


def publish(project: Path, plugins: list[str]) -> Cost:
    """Return what `asv publish` with these plugins takes."""
    configuration = json.loads(project.read_text()) | {"plugins": plugins}
    project.write_text(json.dumps(configuration))
    command = [sys.executable, "-m", "asv", "--config", str(project), "publish"]
    start, before = time.perf_counter(), processor_seconds()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return Cost(time.perf_counter() - start, processor_seconds() - before)


def processor_seconds() -> float:
    """Return the processor seconds of the processes that have ended so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def show(project: Path, pairs: list[tuple[Cost, Cost]]) -> None:
    """Print both sides of each pair, the median of what ours adds, and the pages' sizes."""
    count = len(list((project.parent / "results").glob("*/*-*.json")))
    print(f"{count} result files")
    for kind in Cost._fields:
        sides = [tuple(getattr(cost, kind) for cost in pair) for pair in pairs]
        for alone, ours in sides:
            print(f"  {kind}: asv alone {alone:.2f} s, with our pages {ours:.2f} s")
        print(f"  {kind}: median {statistics.median(b / a - 1 for a, b in sides):+.1%}")
    pages = [path.stat().st_size for path in (project.parent / "html" / "kasv").glob("*.html")]
    first = (project.parent / "html" / "kasv" / "index.html").stat().st_size
    print(f"  {len(pages)} pages, {sum(pages) / 1e6:.1f} MB; the first page {first / 1e3:.0f} KB")


def write_many(folder: Path, files: int) -> Path:
    """Write at least so many result files: of three settings on each of six machines."""
    settings = [("small", "1"), ("small", "4"), ("full", "1")]
    series = [(f"machine-{n}", size, threads) for n in range(6) for size, threads in settings]
    each = -(-files // (len(series) * len(releases.BACKENDS)))
    project = made.write_everything(folder, each)
    results = folder / "results"
    for path in sorted((results / made.MACHINE).glob("*-*.json")):
        measured = json.loads(path.read_text())
        for machine, size, threads in series:
            write_copy(results, measured, path.name, machine, size, threads)
    shutil.rmtree(results / made.MACHINE)
    return project


def write_copy(
    results: Path, measured: dict, name: str, machine: str, size: str, threads: str
) -> None:
    """Write a result file as if it had been measured elsewhere."""
    variables = {"KASV_SIZE": size, "KASV_DEVICE": "cpu", "KASV_THREADS": threads}
    measured |= {"params": {"machine": machine}, "env_vars": variables}
    folder = results / machine
    folder.mkdir(exist_ok=True)
    (folder / "machine.json").write_text(json.dumps({"machine": machine, "version": 1}))
    copy = name.replace(".json", f"-{size}-{threads}.json")
    (folder / copy).write_text(json.dumps(measured))


if __name__ == "__main__":
    main()
