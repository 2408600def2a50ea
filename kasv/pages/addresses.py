"""Addresses of asv's graphs, as its application reads them, relative to our pages."""

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
        size, device, threads = series.setting
        chosen = [
            ("machine", series.machine),
            *(("branch", backend) for backend in backends),
            ("env-KASV_SIZE", size),
            ("env-KASV_DEVICE", device),
            ("env-KASV_THREADS", threads),
            ("p-data", repr(task.data)),
        ]
        return f"../index.html#{quote(name)}?{urlencode(chosen, quote_via=quote)}"
