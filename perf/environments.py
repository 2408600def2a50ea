"""What an environment costs: kasv's build from a warm cache against virtualenv with pip.

The same lock, hashes required, side by side in one run; both caches are filled by a first build
that does not count. At most 5 seconds, and at least 20 times less, are wanted in the median.
Beside it the disk: what the environment holds, and how much of it uv's cache does not share.

    python perf/environments.py --release jax-0.10.2-keras-3.15.1

virtualenv 21 makes environments for Python 3.9 and newer only. Minutes a release.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from kasv import build, interpreters, releases
from kasv.releases import Release


@click.command()
@click.option("--release", "tags", multiple=True, required=True)
def main(tags: tuple[str, ...]) -> None:
    """Print both sides for each release, and the medians."""
    ratios = []
    for release in (r for r in releases.load() if r.tag in tags):
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            for side in ("warm-up", "counted"):
                ours = _seconds(build.build, release, "cpu", Path(folder) / side)
                theirs = _seconds(_virtualenv, release, Path(folder) / f"pip-{side}")
            held, own = _bytes(build.folder(release, "cpu", Path(folder) / "counted"))
        ratios.append(theirs / ours)
        click.echo(
            f"{release.tag}: kasv {ours:.1f} s, virtualenv and pip {theirs:.1f} s "
            f"({theirs / ours:.1f} times); {held / 1e6:.0f} MB, of which {own / 1e6:.0f} MB its own"
        )
    click.echo(f"median of {len(ratios)}: {statistics.median(ratios):.1f} times")


def _seconds(work: object, *arguments: object) -> float:
    start = time.perf_counter()
    work(*arguments)  # type: ignore[operator]
    return time.perf_counter() - start


def _virtualenv(release: Release, folder: Path) -> None:
    python = interpreters.find(release.python).executable
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", "-p", python, folder], check=True)
    lock = folder / "lock.txt"
    lock.write_text(release.lock, encoding="utf-8")
    pip = [folder / "bin" / "python", "-m", "pip", "-q", "install"]
    subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", lock], check=True)


def _bytes(folder: Path) -> tuple[int, int]:
    stats = [path.lstat() for path in folder.rglob("*") if path.is_file()]
    held = sum(stat.st_size for stat in stats)
    return held, sum(stat.st_size for stat in stats if stat.st_nlink == 1)


if __name__ == "__main__":
    main()
