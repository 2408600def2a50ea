"""The releases as a history: branches, tags, abbreviations and ranges, with git's meanings.

A backend is a branch whose commits are its releases in the order of their versions, whatever the
day of a late repair. Branches share no commits.
"""

import difflib
import functools
from collections.abc import Iterable, Sequence
from datetime import datetime

from packaging.version import Version

from kasv.errors import KasvError, UnknownNameError
from kasv.releases import BACKENDS, Release

_SHORTEST_ABBREVIATION = 4


def in_order(releases: Iterable[Release]) -> list[Release]:
    """Return releases by backend, version and, of equal versions, Keras; the oldest first.

    A release with the Keras of its own day, whose tag names none, comes before those with another:
    CNTK 2.7's has LSTMs that are wrong, and an older Keras mends them.
    """
    return sorted(releases, key=_place)


def _place(release: Release) -> tuple[int, Version, bool, Version]:
    keras = Version(release.keras.removesuffix("-tf"))
    is_later = "-keras-" in release.tag
    return BACKENDS.index(release.backend), Version(release.version), is_later, keras


class History:
    """Answer what asv asks of a repository, over releases of the given branches only."""

    def __init__(self, releases: Iterable[Release], branches: Sequence[str]) -> None:
        self._everything = tuple(in_order(releases))
        self.branches = tuple(branches)
        self.releases = tuple(r for r in self._everything if r.backend in self.branches)

    @functools.cached_property
    def by_commit(self) -> dict[str, Release]:
        """Map each commit to its release."""
        return {release.commit: release for release in self.releases}

    @functools.cached_property
    def by_date(self) -> tuple[Release, ...]:
        """All releases, oldest first; the tag decides between equal dates."""
        return tuple(sorted(self.releases, key=lambda release: (release.date, release.tag)))

    @functools.cached_property
    def by_revision(self) -> tuple[Release, ...]:
        """All releases by date, but each after those before it on its branch, as in git's log."""
        latest: dict[str, datetime] = {}
        for release in self.releases:
            day = latest.get(release.backend, release.date)
            latest[release.backend] = latest[release.tag] = max(day, release.date)
        return tuple(sorted(self.releases, key=lambda release: latest[release.tag]))

    @functools.cached_property
    def by_branch(self) -> dict[str, list[Release]]:
        """Map each branch that has releases to them, newest first."""
        branches: dict[str, list[Release]] = {}
        for release in reversed(self.releases):
            branches.setdefault(release.backend, []).append(release)
        return branches

    def resolve(self, name: str) -> Release:
        """Find the release that a tag, branch, commit or abbreviation names (`^`, `~2` follow).

        Raises:
            UnknownNameError: nothing here is called so; says what is, and where it would be found.
        """
        base, ancestors = _split_ancestors(name)
        release = self._resolve_base(base)
        branch = self.by_branch[release.backend]
        position = branch.index(release) + ancestors
        if position >= len(branch):
            raise UnknownNameError(f"{name}: {branch[-1].tag} is the oldest {release.backend}")
        return branch[position]

    def range(self, spec: str) -> list[Release]:
        """Return what a range selects, newest first within each branch.

        `a..b` is what b has and a has not; `a^!` is a alone; `a` is a and all before it; `^a`
        leaves those out; several may be combined, and `--all` is everything.
        """
        wanted: set[str] = set()
        unwanted: set[str] = set()
        for word in spec.split():
            plus, minus = self._word(word)
            wanted |= plus
            unwanted |= minus
        return [r for r in reversed(self.releases) if r.tag in wanted - unwanted]

    def _word(self, word: str) -> tuple[set[str], set[str]]:
        if word == "--all":
            return {release.tag for release in self.releases}, set()
        if word.startswith("-") or "..." in word:
            raise KasvError(f"range {word!r}: use a, a..b, a^!, ^a or --all")
        if ".." in word:
            older, _, newer = word.partition("..")
            older = older or newer
            newer = newer or self.resolve(older).backend
            return self._ancestors(newer), self._ancestors(older)
        if word.endswith("^!"):
            return {self.resolve(word[:-2]).tag}, set()
        if word.startswith("^"):
            return set(), self._ancestors(word[1:])
        return self._ancestors(word), set()

    def _ancestors(self, name: str) -> set[str]:
        """Return the tags of a release and all before it on its branch."""
        release = self.resolve(name)
        branch = self.by_branch[release.backend]
        return {older.tag for older in branch[branch.index(release) :]}

    def _resolve_base(self, name: str) -> Release:
        if name in self.by_branch:
            return self.by_branch[name][0]
        exact = [r for r in self.releases if name in (r.tag, r.commit)]
        found = exact or self._abbreviated(name)
        if len(found) > 1:
            tags = ", ".join(release.tag for release in found)
            raise UnknownNameError(f"{name!r} is ambiguous: {tags}")
        if not found:
            raise UnknownNameError(self._unknown(name))
        return found[0]

    def _abbreviated(self, name: str) -> list[Release]:
        if len(name) < _SHORTEST_ABBREVIATION:
            return []
        return [release for release in self.releases if release.commit.startswith(name)]

    def _unknown(self, name: str) -> str:
        """Say why a name is unknown: another environment type's, a misspelling, or nothing."""
        elsewhere = [r for r in self._everything if name in (r.tag, r.backend, r.commit)]
        if elsewhere:
            backend = elsewhere[0].backend
            return (
                f"{name!r} is a release of {backend}, which this environment type does not "
                f"measure; use --environment {backend} or keras"
            )
        tags = [release.tag for release in self.releases]
        close = difflib.get_close_matches(name, [*self.branches, *tags], n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "`kasv releases` lists them"
        return f"no release, tag, branch or commit {name!r}; {hint}"


def _split_ancestors(name: str) -> tuple[str, int]:
    """Split `tag^^` and `tag~2` into the tag and how many releases before it."""
    base, tilde, count = name.partition("~")
    if tilde:
        if count and not count.isdecimal():
            raise UnknownNameError(f"{name!r}: a number must follow `~`")
        return base, int(count or 1)
    base = name.rstrip("^")
    return base, len(name) - len(base)
