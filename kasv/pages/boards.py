"""The leaderboards' pages: one per setting, for today and for the end of each year before."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from kasv.leaderboard import FAR_BEHIND, Board, boards, common_release
from kasv.measurements import Measurements, Series, Setting
from kasv.pages.addresses import Graphs
from kasv.pages.site import Site, slug
from kasv.releases import Release

# What fits a wide screen beside the accuracies, and keeps a page small however many machines.
_MACHINES_A_PAGE = 4


class _Page(NamedTuple):
    name: str
    board: Board
    part: int


def write(
    site: Site,
    measurements: Measurements,
    releases: list[Release],
    graphs: Graphs,
    facts: dict[str, dict[str, str]],
    today: date,
) -> None:
    """Write every leaderboard; `facts` says what is known of each machine."""
    by_day = {
        day: list(_pages(measurements, releases, day, today))
        for day in _days(measurements, releases, today)
    }
    if not any(by_day.values()):
        site.write("index.html", "empty.html", day=today)
    for day, pages in by_day.items():
        for page in pages:
            site.write(
                page.name,
                "leaderboard.html",
                board=page.board,
                part=page.part,
                settings=[p for p in pages if p.part == 0],
                parts=[p for p in pages if p.board.setting == page.board.setting],
                days=[(d, _same(p, page.board.setting).name) for d, p in by_day.items() if p],
                is_today=day == today,
                facts=facts,
                series=[Series(m, page.board.setting) for m in page.board.machines],
                common={
                    backend: common_release(found) for backend, found in page.board.newest.items()
                },
                graph=graphs.address,
                far_behind=FAR_BEHIND,
            )


def _days(measurements: Measurements, releases: Iterable[Release], today: date) -> list[date]:
    """Return today, then the last day of each year before in which a measured release came out."""
    measured = {commit for commits in measurements.values() for commit in commits}
    years = {r.date.year for r in releases if r.commit in measured and r.date.year < today.year}
    return [today, *(date(year, 12, 31) for year in sorted(years, reverse=True))]


def _pages(
    measurements: Measurements, releases: Iterable[Release], day: date, today: date
) -> Iterator[_Page]:
    """Yield a day's pages; the first of today's is the site's first."""
    year = "" if day == today else str(day.year)
    for number, board in enumerate(boards(measurements, releases, day)):
        for part, start in enumerate(range(0, len(board.machines), _MACHINES_A_PAGE)):
            name = slug("leaderboard", *board.setting, year, str(part + 1) if part else "")
            first = day == today and number == part == 0
            yield _Page("index.html" if first else f"{name}.html", _slice(board, start), part)


def _slice(board: Board, start: int) -> Board:
    """Return a board of some of the machines only."""
    of_page = slice(start, start + _MACHINES_A_PAGE)
    return board._replace(
        machines=board.machines[of_page],
        tables=[
            table._replace(rows={b: cells[of_page] for b, cells in table.rows.items()})
            for table in board.tables
        ],
        means={backend: means[of_page] for backend, means in board.means.items()},
        newest={backend: newest[of_page] for backend, newest in board.newest.items()},
    )


def _same(pages: list[_Page], setting: Setting) -> _Page:
    """Return the page of a setting, or the day's first."""
    return next((page for page in pages if page.board.setting == setting), pages[0])
