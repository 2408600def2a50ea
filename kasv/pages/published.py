"""The page of the figures published in 2017, beside what is measured here, never among it."""

from collections.abc import Iterable
from typing import NamedTuple

from kasv import reference
from kasv.history import in_order
from kasv.measurements import Measurements, Series, Task, Training
from kasv.metrics import EPOCH, PUBLISHED_EPOCH
from kasv.pages.addresses import Graphs
from kasv.pages.site import Site
from kasv.reference import Published
from kasv.releases import Release

# What was measured on the published data sets comes first; more than this tells nothing new.
_MOST_SERIES = 6


class _Measured(NamedTuple):
    """The measured release of a backend that is closest to 2017's, in a series.

    `computed` is an epoch of the published data by the time of a step, without validation; `run`
    one that was run as the article ran it. Both in seconds.
    """

    release: Release
    series: Series
    task: Task
    training: Training
    computed: float | None
    run: float | None


def write(
    site: Site, measurements: Measurements, releases: Iterable[Release], graphs: Graphs
) -> None:
    """Write the page."""
    published = reference.load()
    backends = {figure.backend for figure in published}
    oldest = [release for release in in_order(releases) if release.backend in backends]
    models = sorted({figure.model for figure in published})
    site.write(
        "published.html",
        "published.html",
        sources=reference.SOURCES,
        published={m: [f for f in published if f.model == m] for m in models},
        run_metrics={m: _run_metric(m, published) for m in models},
        measured={
            m: list(_measured(m, _run_metric(m, published), measurements, oldest)) for m in models
        },
        graph=graphs.address,
    )


def _run_metric(model: str, published: Iterable[Published]) -> str:
    """Return the metric that timed what the articles did: their epochs may hold a validation."""
    validated = any(f.includes_validation == "yes" for f in published if f.model == model)
    return "track_epoch_with_validation" if validated else EPOCH


def _measured(
    model: str, run_metric: str, measurements: Measurements, releases: Iterable[Release]
) -> Iterable[_Measured]:
    """Yield each backend's oldest measured release of a model, by series."""
    for series in sorted(measurements, key=lambda s: (s.setting.size, s))[:_MOST_SERIES]:
        found: dict[tuple[str, Task], _Measured] = {}
        for release in releases:
            for task, training in measurements[series].get(release.commit, {}).items():
                computed = training.seconds(PUBLISHED_EPOCH)
                run = training.seconds(run_metric) if series.setting.size == "full" else None
                if task.model == model and (computed or run):
                    one = _Measured(release, series, task, training, computed, run)
                    found.setdefault((release.backend, task), one)
        yield from found.values()
