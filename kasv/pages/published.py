"""The page of the figures published in 2017, beside what is measured here, never among it."""

from collections.abc import Iterable
from typing import NamedTuple

from kasv import reference
from kasv.measurements import Measurements, Series, Task, Training
from kasv.pages.addresses import Graphs
from kasv.pages.site import Site
from kasv.releases import Release

# What was measured on the published data sets comes first; more than this tells nothing new.
_MOST_SERIES = 6


class _Measured(NamedTuple):
    """The measured release of a backend that is closest to 2017's, in a series."""

    release: Release
    series: Series
    task: Task
    training: Training


def write(
    site: Site, measurements: Measurements, releases: Iterable[Release], graphs: Graphs
) -> None:
    """Write the page."""
    published = reference.load()
    backends = {figure.backend for figure in published}
    oldest = [release for release in releases if release.backend in backends]
    models = sorted({figure.model for figure in published})
    site.write(
        "published.html",
        "published.html",
        sources=reference.SOURCES,
        published={m: [f for f in published if f.model == m] for m in models},
        measured={m: list(_measured(m, measurements, oldest)) for m in models},
        graph=graphs.address,
    )


def _measured(
    model: str, measurements: Measurements, releases: Iterable[Release]
) -> Iterable[_Measured]:
    """Yield each backend's oldest measured release of a model, by series."""
    for series in sorted(measurements, key=lambda s: (s.setting.size, s))[:_MOST_SERIES]:
        found: dict[tuple[str, Task], _Measured] = {}
        for release in releases:
            for task, training in measurements[series].get(release.commit, {}).items():
                if task.model == model and training.value("track_epoch_with_validation"):
                    one = _Measured(release, series, task, training)
                    found.setdefault((release.backend, task), one)
        yield from found.values()
