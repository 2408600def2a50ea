"""asv's view of the releases: a `Repo` whose commits are releases, chosen by `dvcs: "releases"`."""

from pathlib import Path
from typing import Any

from asv.repo import NoSuchNameError, Repo
from asv.util import UserError

from kasv import releases
from kasv.errors import KasvError, UnknownNameError
from kasv.history import History
from kasv.releases import Release


def folder_of(url: str) -> Path:
    """Return the folder of releases that a repository's address names."""
    return Path(url.partition("#")[0])


def url_of(folder: str, branches: tuple[str, ...]) -> str:
    """Return the repository's address that shows only these branches."""
    return f"{folder.partition('#')[0]}#{','.join(branches)}"


class Releases(Repo):
    """The releases of a folder of backends' files; `folder#cntk,theano` shows these two only."""

    dvcs = "releases"
    _default_branch = releases.BACKENDS[0]

    def __init__(self, url: str, mirror_path: str | None = None) -> None:
        folder, _, branches = url.partition("#")
        try:
            found = releases.load(Path(folder))
        except KasvError as error:
            raise UserError(str(error)) from error
        if not found:
            raise UserError(f"{folder!r} in asv.conf.json's `repo` holds no releases")
        shown = branches.split(",") if branches else list(dict.fromkeys(r.backend for r in found))
        self.history = History(found, shown)

    @classmethod
    def url_match(cls, url: str) -> bool:
        """Never guess: the configuration says `dvcs: "releases"`."""
        return False

    def pull(self) -> None:
        """Do nothing: the releases are files of this repository."""

    def get_hash_from_name(self, name: str | None) -> str:
        """Return the commit of a tag, branch, abbreviation or `HEAD` (the newest release)."""
        if name == "HEAD":
            return self.history.by_date[-1].commit
        return self._resolve(self.get_branch_name(name)).commit

    def get_hash_from_parent(self, name: str) -> str:
        """Return the commit before the one named."""
        return self._resolve(f"{name}^").commit

    def get_name_from_hash(self, commit: str) -> str | None:
        """Return the tag of a commit, or None."""
        release = self.history.by_commit.get(commit)
        return release.tag if release else None

    def get_tags(self) -> dict[str, str]:
        """Map every tag to its commit, oldest first."""
        return {release.tag: release.commit for release in self.history.by_date}

    def get_date(self, name: str) -> int:
        """Return a release's date in milliseconds since 1970, as JavaScript counts."""
        return int(self._resolve(name).date.timestamp() * 1000)

    def get_date_from_name(self, name: str) -> int:
        """Return a release's date in milliseconds since 1970."""
        return self.get_date(name)

    def get_branch_commits(self, branch: str | None) -> list[str]:
        """Return a branch's commits, newest first."""
        name = self.get_branch_name(branch)
        return [release.commit for release in self.history.by_branch.get(name, ())]

    def get_revisions(self, commits: Any) -> dict[str, int]:
        """Map the wanted commits to their place among all, each branch in the order of versions."""
        numbered = enumerate(release.commit for release in self.history.by_revision)
        return {commit: number for number, commit in numbered if commit in commits}

    def get_range_spec(self, commit_a: str, commit_b: str) -> str:
        """Return the range of what comes after a, up to b."""
        return f"{commit_a}..{commit_b}"

    def get_new_range_spec(self, latest_result: str, branch: str | None = None) -> str:
        """Return the range of what a branch has since the latest result."""
        return f"{latest_result}..{self.get_branch_name(branch)}"

    def get_hashes_from_range(self, range_spec: str) -> list[str]:
        """Return the commits that a range selects; raise UserError where it names nothing."""
        try:
            return [release.commit for release in self.history.range(range_spec)]
        except KasvError as error:
            raise UserError(str(error)) from error

    def checkout(self, path: str, commit_hash: str) -> None:
        """Raise: a release has no sources to check out; its environment is built from its lock."""
        raise UserError(f"release {commit_hash[:8]} has no sources to check out")

    def _resolve(self, name: str) -> Release:
        try:
            return self.history.resolve(name)
        except UnknownNameError as error:
            raise NoSuchNameError(str(error)) from error
