"""What `kasv compare A B` compares: which releases, on which machine, under which settings."""

import datetime
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from kasv import (
    background,
    compare,
    conditions,
    configuration,
    machines,
    releases,
    repo,
    results,
)
from kasv.background import Background
from kasv.compare import Comparison, Figures, Row
from kasv.conditions import Known
from kasv.errors import KasvError
from kasv.history import History
from kasv.metrics import METRICS, SAMPLED
from kasv.releases import BACKENDS, Release
from kasv.results import Figure

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Scope(msgspec.Struct, frozen=True):
    """Which results to look at.

    `filters` maps a variable of asv's matrix to the values wanted; `machine` may be None where the
    results are of this machine, or of one only; `releases` is the folder of the backends' files.
    """

    results: Path
    releases: Path
    filters: dict[str, frozenset[str]]
    machine: str | None = None


def scope(
    results_dir: Path | None, machine: str | None, size: str | None, device: str | None
) -> Scope:
    """Return what was asked for, completed from asv.conf.json in the current folder.

    Raises:
        KasvError: there is no such file, or asv cannot read it.
    """
    config = configuration.load()
    return Scope(
        results_dir or Path(config.results_dir),
        repo.folder_of(config.repo),
        _filters({"KASV_SIZE": size, "KASV_DEVICE": device}, config.matrix),
        machine,
    )


def comparisons(names: tuple[str, str], scope: Scope) -> list[Comparison]:
    """Compare what two names stand for: tags, backends or days.

    Raises:
        KasvError: a name stands for nothing that was measured, or the machine is not clear.
    """
    everything = [f for f in results.load(scope.results) if _matches(f, scope.filters)]
    machine = _machine(everything, scope)
    found = _Found(
        [f for f in everything if f.machine == machine],
        History(releases.load(scope.releases), BACKENDS),
        results.samples_per_round(scope.results),
        conditions.load(scope.results),
    )
    before, after = (_side(name, found.history, found.measured()) for name in names)
    return [
        found.compare(a, b, machine, variables)
        for a, b in _pairs(before, after, names)
        for variables in _settings(found.figures, a, b)
    ]


class _Found(msgspec.Struct, frozen=True):
    """A machine's figures, the releases, and how many epochs each model samples in a process."""

    figures: list[Figure]
    history: History
    per_round: dict[str, int]
    known: Known

    def measured(self) -> set[str]:
        return {f.commit for f in self.figures} & self.history.by_commit.keys()

    def compare(
        self, a: Release, b: Release, machine: str, variables: dict[str, str]
    ) -> Comparison:
        figures = [f for f in self.figures if f.variables == variables]
        before, after = (compare.index(f for f in figures if f.commit == r.commit) for r in (a, b))
        backgrounds = _backgrounds(self.history.releases, figures)
        sides = (before, after)
        made = compare.compare(
            (a.tag, b.tag), machine, variables, sides, self.per_round, backgrounds
        )
        rows = tuple(_noted(row, before, after, self.known) for row in made.rows)
        return msgspec.structs.replace(made, rows=rows)


def _backgrounds(
    releases: Iterable[Release], figures: Iterable[Figure]
) -> Mapping[str, Background | None]:
    """Return what a machine's history under one setting does by itself, by metric."""
    found: dict[str, dict[str, dict[tuple[str, str], Figure]]] = {}
    for f in figures:
        if f.metric in SAMPLED:
            of_metric = found.setdefault(f.metric, defaultdict(dict))
            of_metric[f.commit][f.model, f.data] = f
    return {metric: background.estimate(releases, known) for metric, known in found.items()}


def _filters(asked: dict[str, str | None], matrix: dict[str, Any]) -> dict[str, frozenset[str]]:
    """Return the values to look at of each variable: as asked, else those of asv's matrix."""
    configured = {**matrix.get("env", {}), **matrix.get("env_nobuild", {})}
    filters = {}
    for variable, value in asked.items():
        chosen = value or configured.get(variable) or ()
        chosen = [chosen] if isinstance(chosen, str) else chosen
        if chosen:
            filters[variable] = frozenset(map(str, chosen))
    return filters


def _matches(figure: Figure, filters: dict[str, frozenset[str]]) -> bool:
    return all(figure.variables.get(name) in values for name, values in filters.items())


def _machine(figures: Iterable[Figure], scope: Scope) -> str:
    found = sorted({figure.machine for figure in figures})
    if scope.machine in found:
        return str(scope.machine)
    if scope.machine is None and len(found) == 1:
        return found[0]
    here = machines.find()
    if scope.machine is None and here and here["machine"] in found:
        return here["machine"]
    if not found:
        settings = ", ".join(sorted(itertools.chain(*scope.filters.values())))
        raise KasvError(f"{scope.results} holds no results ({settings}): `asv run` makes some")
    names = ", ".join(map(repr, found))
    asked = scope.machine
    problem = "name one with --machine" if asked is None else f"none is called {asked!r}"
    raise KasvError(f"{scope.results} holds results of the machines {names}: {problem}")


def _side(name: str, history: History, measured: set[str]) -> list[Release]:
    """Return the release, or for a day the newest of each backend, that a name stands for."""
    if _DAY.fullmatch(name):
        found = _as_of(_end_of(name), history, measured)
        if not found:
            raise KasvError(f"no release from {name} or before has results here")
        return found
    if name in BACKENDS:
        found = [r for r in history.by_branch.get(name, []) if r.commit in measured][:1]
        if not found:
            raise KasvError(f"no release of {name} has results here: `asv run -E {name}`")
        return found
    release = history.resolve(name)
    if release.commit not in measured:
        raise KasvError(f'{release.tag} has no results here: `asv run "{release.tag}^!"`')
    return [release]


def _end_of(day: str) -> datetime.datetime:
    try:
        start = datetime.datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=datetime.UTC)
        return start + datetime.timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise KasvError(f"{day} is not a date") from error


def _as_of(end: datetime.datetime, history: History, measured: set[str]) -> list[Release]:
    newest = {r.backend: r for r in history.releases if r.date < end and r.commit in measured}
    return [newest[backend] for backend in BACKENDS if backend in newest]


def _pairs(
    before: Sequence[Release], after: Sequence[Release], names: tuple[str, str]
) -> list[tuple[Release, Release]]:
    """Pair two releases, or each backend's of one day with its own of the other."""
    if len(before) == len(after) == 1:
        pairs = [(before[0], after[0])]
    else:
        pairs = [(a, b) for a in before for b in after if a.backend == b.backend]
    changed = [(a, b) for a, b in pairs if a.commit != b.commit]
    if not changed:
        raise KasvError(f"{names[0]} and {names[1]} stand for the same releases")
    return changed


def _settings(figures: Iterable[Figure], a: Release, b: Release) -> list[dict[str, str]]:
    """Return each set of variables under which either release was measured."""
    commits = (a.commit, b.commit)
    found = {tuple(sorted(f.variables.items())) for f in figures if f.commit in commits}
    return [dict(variables) for variables in sorted(found)]


def _noted(row: Row, before: Figures, after: Figures, known: Known) -> Row:
    """Add to a row of times where the machine itself was faster or slower on one side."""
    if METRICS[row.metric].unit != "seconds":
        return row
    key = (row.model, row.data, row.metric)
    note = conditions.note(known.of(before.get(key)), known.of(after.get(key)))
    return msgspec.structs.replace(row, notes=(*row.notes, note)) if note else row
