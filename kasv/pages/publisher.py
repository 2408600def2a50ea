"""What `asv publish` calls: asv's extension point for output, filled with our pages."""

from collections.abc import Mapping
from typing import Any

from asv.publishing import OutputPublisher


class Pages(OutputPublisher):
    """Writes our pages into `kasv/` beside asv's application."""

    name = "kasv"
    button_label = "Show leaderboards"
    description = "Compare backends: leaderboards, convergence, releases"

    @classmethod
    def publish(
        cls,
        conf: Any,
        repo: Any,
        benchmarks: Mapping[str, Mapping[str, object]],
        graphs: Any,
        revisions: Mapping[str, int],
    ) -> None:
        """Write the pages from the configuration's results and the repository's releases."""
        from kasv.pages import everything  # `asv run` loads this module too, and needs no pages

        everything.publish(conf, repo, benchmarks, graphs, revisions)
