"""What a machine's history does by itself: how far neighbouring releases lie apart.

Most releases change no model's speed, so that the middle of all neighbours' differences is the
machine's noise from one sitting to another: the hour, the processor's clock, a neighbour, where
memory came to lie. Real changes only make the estimate larger, and the median bears many of them.
"""

import itertools
import math
import statistics
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from kasv.releases import Release
from kasv.results import Figure

_FEWEST_PAIRS = 8  # of neighbours; with fewer, the history is too short to say
_FEWEST_MODELS = 3  # for a common factor of two releases to tell from one model's luck
_NORMAL = 1.4826  # the median absolute value of a normal distribution, times this, is its deviation
_LEAST = 0.01  # no machine is quieter than that from one sitting to another
_EFFICIENCY = 0.37  # a median absolute deviation knows as much as this share of its samples would

_Key = TypeVar("_Key", bound=Hashable)


class Background(msgspec.Struct, frozen=True):
    """How far two single measurements of equally fast releases lie apart (relative deviations).

    `common` is the part that all models of a sitting share; `freedom` says how well they are known.
    """

    deviation: float
    common: float
    freedom: float


def estimate(
    releases: Iterable[Release], figures: Mapping[str, Mapping[_Key, Figure]]
) -> Background | None:
    """Return a history's own spread in one metric, None where there is too little of it.

    `releases` are in their order within each backend; `figures` is of one machine and setting,
    by commit and by model.
    """
    lines = _lines(releases, figures)
    return of_differences([pair for line in lines for pair in _differences(line)])


def of_differences(pairs: Iterable[Sequence[float]]) -> Background | None:
    """Estimate from the models' logarithmic differences of each two neighbours."""
    known = [pair for pair in pairs if pair]
    if len(known) < _FEWEST_PAIRS:
        return None
    shared = [statistics.median(pair) for pair in known if len(pair) >= _FEWEST_MODELS]
    deviation = _deviation(list(itertools.chain(*known)))
    common = _deviation(shared) if len(shared) >= _FEWEST_PAIRS else deviation
    return Background(deviation, common, _EFFICIENCY * len(known))


def _lines(
    releases: Iterable[Release], figures: Mapping[str, Mapping[_Key, Figure]]
) -> Iterable[Sequence[Mapping[_Key, Figure]]]:
    """Return what was measured of each backend, in the order of its releases."""
    lines: dict[str, list[Mapping[_Key, Figure]]] = {}
    for release in releases:
        if release.commit in figures:
            lines.setdefault(release.backend, []).append(figures[release.commit])
    return lines.values()


def _differences(line: Sequence[Mapping[_Key, Figure]]) -> Iterable[list[float]]:
    """Yield the models' logarithmic differences of each two neighbours."""
    for older, newer in itertools.pairwise(line):
        both = [(older[key], newer[key]) for key in older.keys() & newer.keys()]
        yield [
            math.log(b.value / a.value)
            for a, b in both
            if a.value and b.value and a.version == b.version
        ]


def _deviation(differences: Sequence[float]) -> float:
    return max(_LEAST, _NORMAL * statistics.median(map(abs, differences)))
