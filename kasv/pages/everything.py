"""Write all of our pages, and fit asv's into the site with them."""

import gc
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from kasv import conditions, results
from kasv.measurements import collect
from kasv.pages import application, boards, change_points, curves, published, release_changes, work
from kasv.pages.addresses import Graphs
from kasv.pages.site import Site
from kasv.releases import Release

# What of asv's record of a machine tells a reader something.
_FACTS = ("cpu", "num_cpu", "ram", "gpu", "os")


def publish(
    conf: Any,
    repo: Any,
    benchmarks: Mapping[str, Mapping[str, object]],
    graphs: Any,
    revisions: Mapping[str, int],
) -> None:
    """Do what asv asks of a publisher; the arguments are asv's."""
    gc.freeze()  # asv's graphs stay to its end: no need to search them for garbage at every page
    html_dir = Path(conf.html_dir)
    application.adapt(html_dir)
    releases = list(repo.history.releases)
    found = change_points.find(graphs, benchmarks, revisions, releases)
    today = datetime.now(UTC).date()
    write(html_dir / "kasv", Path(conf.results_dir), releases, benchmarks, found, today)


def write(
    folder: Path,
    results_dir: Path,
    releases: list[Release],
    benchmarks: Mapping[str, Mapping[str, object]],
    found: list[change_points.ChangePoint],
    today: date,
) -> None:
    """Write every page of ours; `found` are the change points to list."""
    site = Site(folder)
    measurements = collect(results.load(results_dir), conditions.load(results_dir))
    graphs = Graphs(benchmarks)
    boards.write(site, measurements, releases, graphs, _machine_facts(results_dir), today)
    curves.write(site, measurements, releases, graphs, today)
    per_round = results.samples_per_round(results_dir)
    release_changes.write(site, releases, measurements, found, graphs, per_round)
    work.write(site, measurements, releases)
    published.write(site, measurements, releases, graphs)


def _machine_facts(results_dir: Path) -> dict[str, dict[str, str]]:
    """Return what asv's records say of each machine."""
    facts = {}
    for path in results_dir.glob("*/machine.json"):
        try:
            record = msgspec.json.decode(path.read_bytes(), type=dict[str, str | int])
        except (OSError, msgspec.MsgspecError):
            continue  # asv and kasv.results have said so
        said = {name: _fact(name, str(record.get(name, ""))[:100]) for name in _FACTS}
        facts[str(record.get("machine"))] = {name: text for name, text in said.items() if text}
    return facts


def _fact(name: str, text: str) -> str:
    """Write what asv says of a machine with its unit; asv counts memory in bytes."""
    if name == "num_cpu" and text:
        return "1 processor" if text == "1" else f"{text} processors"
    if name == "ram" and text.isdecimal() and int(text) > 1e9:
        return f"{int(text) / 1e9:.0f} GB of memory"
    return text
