"""Addresses of asv's graphs, as its application reads them, relative to our pages."""

import functools
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode

from kasv.measurements import Series, Task


class Graphs:
    """Addresses by model and metric; asv's names of benchmarks hold the class as well."""

    def __init__(self, benchmarks: Mapping[str, Mapping[str, object]]) -> None:
        self._names = {self._split(name): name for name in benchmarks}
        self.units = {self._split(n): str(b.get("unit", "")) for n, b in benchmarks.items()}

    @staticmethod
    def _split(name: str) -> tuple[str, str]:
        return name.partition(".")[0], name.rpartition(".")[2]

    def address(self, task: Task, metric: str, series: Series, backends: Iterable[str]) -> str:
        """Return the address of a graph that shows the backends' lines; empty for no benchmark."""
        name = self._names.get((task.model, metric))
        if name is None:
            return ""
        branches = "".join(f"branch={quote(backend)}&" for backend in backends)
        return f"../index.html#{quote(name)}?{branches}{_rest(series, task.data)}"


@functools.cache
def _rest(series: Series, data: str) -> str:
    """Return what the addresses of a series' graphs have in common."""
    size, device, threads = series.setting
    chosen = {
        "machine": series.machine,
        "env-KASV_SIZE": size,
        "env-KASV_DEVICE": device,
        "env-KASV_THREADS": threads,
        "p-data": repr(data),
    }
    return urlencode(chosen, quote_via=quote)
