"""Releases as `kasv releases` prints them: a table, JSON, or one release with its changes."""

import json
import tomllib
from pathlib import Path

from tabulate import tabulate

from kasv import releases
from kasv.history import History, in_order
from kasv.releases import BACKENDS, Release


def as_table() -> str:
    """Return a table of all releases, newest first in each branch, and of what cannot be had."""
    rows = [
        (
            r.tag,
            f"{r.date:%Y-%m-%d}",
            r.python,
            _keras(r),
            r.pins()["numpy"],
            "yes" if r.gpu else "",
        )
        for r in reversed(in_order(releases.load()))
    ]
    table = tabulate(
        rows, ("release", "date", "Python", "Keras", "numpy", "GPU lock"), disable_numparse=True
    )
    missing = tabulate(unavailable(), ("cannot be had", "why"), disable_numparse=True)
    return f"{table}\n\n{missing}"


def as_json() -> str:
    """Return all releases and their pins as JSON."""
    return json.dumps([_facts(release) for release in in_order(releases.load())], indent=1)


def unavailable() -> list[tuple[str, str]]:
    """Return the releases that exist but cannot be had, with the reason."""
    text = (Path(releases.FOLDER) / "unavailable.toml").read_text(encoding="utf-8")
    return [(tag, entry["reason"]) for tag, entry in tomllib.loads(text).items()]


def show(name: str, *, as_json: bool) -> str:
    """Return a release's pins and dates, and what changed since the one before it."""
    history = History(releases.load(), BACKENDS)
    release = history.resolve(name)
    branch = history.by_branch[release.backend]
    older = branch[branch.index(release) + 1 :][:1]
    facts = {**_facts(release), "changes": changes(older[0], release) if older else {}}
    if as_json:
        return json.dumps(facts, indent=1)
    return _text(release, older[0].tag if older else None, facts["changes"])


def changes(older: Release, newer: Release) -> dict[str, tuple[str | None, str | None]]:
    """Map each package whose pin differs, Python and how LSTMs run, to before and after."""
    before, after = ({"python": r.python, **_unrolled(r), **r.pins()} for r in (older, newer))
    names = sorted(before.keys() | after.keys())
    return {
        name: (before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    }


def _facts(release: Release) -> dict[str, object]:
    return {
        "tag": release.tag,
        "commit": release.commit,
        "date": release.date.isoformat(),
        "python": release.python,
        "keras": release.keras,
        "keras_module": release.keras_module,
        "unroll": release.unroll,
        "pins": release.pins(),
        "overrides": {o.requirement: o.reason for o in release.overrides},
    }


def _unrolled(release: Release) -> dict[str, str]:
    return {"LSTMs": "unrolled"} if release.unroll else {}


def _keras(release: Release) -> str:
    return release.keras + (" (tf.keras)" if release.keras_module != "keras" else "")


def _text(release: Release, older: str | None, changed: object) -> str:
    lines = [
        f"{release.tag}  commit {release.commit[:8]}  {release.date:%Y-%m-%d}",
        f"Python {release.python}, Keras {_keras(release)}",
        *(["LSTMs are unrolled over time"] if release.unroll else []),
        *(f"override {o.requirement}: {o.reason}" for o in release.overrides),
        *(f"  {name}=={version}" for name, version in sorted(release.pins().items())),
    ]
    if older and isinstance(changed, dict):
        lines.append(f"changed since {older}:")
        lines += [f"  {name}: {a or 'none'} -> {b or 'none'}" for name, (a, b) in changed.items()]
    return "\n".join(lines)
