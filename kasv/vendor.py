"""The scripts and style sheets of others that asv's page names, served from the site itself.

asv's page takes them from three hosts, and without internet shows an error instead. Here each is
fetched once: from the address that the page names, held to the hash beside it; else from the npm
registry, held to that hash or to one pinned below. They are kept in the user's cache.
"""

import base64
import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from kasv import files
from kasv.datasets.archives import read_members
from kasv.datasets.sources import File, Unavailable, fetch_npm, fetch_upstream, say
from kasv.errors import KasvError

_TAG = re.compile(
    r'<(?P<kind>script|link)\b[^>]*?\b(?:src|href)="(?P<address>https?://[^"]+)"[^>]*>'
)
_INTEGRITY = re.compile(r'\bintegrity="(?P<hash>sha(?:256|384|512)-[A-Za-z0-9+/=]+)"')
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(?:js|css|woff)")


class _Package(NamedTuple):
    """A package in the npm registry, and the sha256 and the size of its tarball."""

    npm: str
    sha256: str
    size: int


class _Mirror(NamedTuple):
    """A file of a package; `integrity` where it is not byte for byte what asv's page names."""

    package: _Package
    member: str
    integrity: str = ""


class Asset(NamedTuple):
    """What a tag of asv's page takes from elsewhere."""

    tag: str
    kind: str
    address: str
    integrity: str

    @property
    def folder(self) -> str:
        """Where the site has it: beside the style sheets' folder where these look for fonts."""
        return "fonts" if self.kind == "font" else "vendor"

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(urlsplit(self.address).path).name


_BOOTSTRAP = _Package(
    "bootstrap@3.1.1",
    "23b27da4dd80b8fbe8972ac4be87037627e007ad5dd1edb27435844f0a4646a0",
    2_283_974,
)
_FLOT = _Package(
    "jquery-flot@0.8.3",
    "a3ecd2694a19f08479b2a9659d20558e58b04d202eb47fabdd481f3a423eaade",
    510_617,
)
_JQUERY = _Package(
    "jquery@3.3.1", "2c7c70a1e796c1568ff05d45a8cb2da2a0fc6e37426c65e4eef6ee55e217933e", 415_379
)
_MD5 = _Package(
    "blueimp-md5@2.19.0", "0fff5798c7733b21f3e4c0de69ccba12af266e0f01c3e3a41051c0e49a655512", 8_861
)
_ORDERBARS = _Package(
    "flot-orderbars@1.0.0",
    "e5523ee7cca778f194b34fc31afb6dda40bf1557e6669fda4730c29f53e87101",
    60_648,
)
_STUPIDTABLE = _Package(
    "stupid-table-plugin@1.1.3",
    "1186089584b7c2f7fec9ad4232e9aa1adbfea273eaa233b713beb8c2c916b4ac",
    102_358,
)
# By the end of asv's addresses: another version of a file is another file.
MIRRORS = {
    "/jquery-3.3.1.min.js": _Mirror(_JQUERY, "package/dist/jquery.min.js"),
    "/flot/0.8.3/jquery.flot.min.js": _Mirror(
        _FLOT,
        "package/jquery.flot.js",
        "sha256-t7kx8nPDixJ3ucbB9OBcTsCYhaSHvdrzJ54tfkmjjhI=",
    ),
    "/flot/0.8.3/jquery.flot.time.min.js": _Mirror(
        _FLOT,
        "package/jquery.flot.time.js",
        "sha256-pYLIMq3HE4prBar2HxbrrCdHAfG+Sv6nfnOaHDS5xBo=",
    ),
    "/flot/0.8.3/jquery.flot.selection.min.js": _Mirror(
        _FLOT,
        "package/jquery.flot.selection.js",
        "sha256-5shfbB6+S02inYriOMfFBgKD8F9+8FT2uRgX0CwJKRg=",
    ),
    "/flot/0.8.3/jquery.flot.categories.min.js": _Mirror(
        _FLOT,
        "package/jquery.flot.categories.js",
        "sha256-boFmSyjqeVxzSQb0qhVhRkCnWsf705mn+5CEBAaYNRo=",
    ),
    "/flot-orderbars@1.0.0/js/jquery.flot.orderBars.js": _Mirror(
        _ORDERBARS, "package/js/jquery.flot.orderBars.js"
    ),
    "/stupidtable/1.0.1/stupidtable.min.js": _Mirror(
        _STUPIDTABLE,
        "package/stupidtable.min.js",
        "sha256-RkI4Dyjr6e18rCUXk7KB74YgxDhiBdkniPmxL1zOtOA=",
    ),
    "/blueimp-md5/2.19.0/js/md5.min.js": _Mirror(_MD5, "package/js/md5.min.js"),
    "/bootstrap@3.1.1/dist/js/bootstrap.min.js": _Mirror(
        _BOOTSTRAP, "package/dist/js/bootstrap.min.js"
    ),
    "/bootstrap@3.1.1/dist/css/bootstrap.min.css": _Mirror(
        _BOOTSTRAP, "package/dist/css/bootstrap.min.css"
    ),
    "/bootstrap@3.1.1/dist/fonts/glyphicons-halflings-regular.woff": _Mirror(
        _BOOTSTRAP, "package/dist/fonts/glyphicons-halflings-regular.woff"
    ),
}

# What a style sheet takes along, by the end of the sheet's address; only this hash vouches for it.
_FONTS = {
    "/bootstrap@3.1.1/dist/css/bootstrap.min.css": Asset(
        "",
        "font",
        "https://cdn.jsdelivr.net/npm/bootstrap@3.1.1/dist/fonts/glyphicons-halflings-regular.woff",
        "sha256-/Jadwcb/Uxq882gIncuvV3UTOwYm/1a1IwGgWfwPnh4=",
    ),
}


def assets(page: str) -> Iterator[Asset]:
    """Yield what a page takes from other hosts; `integrity` is empty where it names no hash."""
    for tag in _TAG.finditer(page):
        try:
            urlsplit(tag["address"])
        except ValueError:
            continue  # no browser can open it either
        integrity = _INTEGRITY.search(tag.group())
        found = integrity["hash"] if integrity else ""
        yield Asset(tag.group(), tag["kind"], tag["address"], found)


def localise(page: str, html_dir: Path, cache: Path) -> str:
    """Return a page that takes from `vendor/` in `html_dir` what could be had, and fill that.

    What none of the sources has stays where asv's page has it; one line says so.
    """
    missing = []
    with tempfile.TemporaryDirectory() as work:
        store = _Store(cache, Path(work))
        for asset in [*assets(page), *_fonts(page)]:
            content = store.content(asset)
            if content is None:
                missing.append(asset.name)
                continue
            target = html_dir / asset.folder / asset.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            page = page.replace(asset.tag, _local_tag(asset)) if asset.tag else page
    if missing:
        reasons = "; ".join(store.failures.values())
        say(f"warning: asv's page needs internet for {', '.join(missing)}: {reasons}")
    return page


def _fonts(page: str) -> list[Asset]:
    """Return the fonts of the style sheets that a page takes from elsewhere."""
    return [font for a in assets(page) for end, font in _FONTS.items() if a.address.endswith(end)]


def _local_tag(asset: Asset) -> str:
    if asset.kind == "script":
        return f'<script src="vendor/{asset.name}">'
    return f'<link rel="stylesheet" href="vendor/{asset.name}">'


def fits(content: bytes, integrities: Iterable[str]) -> bool:
    """Tell whether content has one of the hashes, written as an `integrity` attribute has it."""
    for integrity in integrities:
        algorithm, _, expected = integrity.partition("-")
        digest = hashlib.new(algorithm, content).digest()
        if base64.b64encode(digest).decode() == expected:
            return True
    return False


class _Store:
    """The cache of what has been fetched; a source that failed is not asked again in this run."""

    def __init__(self, cache: Path, work: Path) -> None:
        self._cache = cache
        self._work = work
        self._tarballs: dict[str, Path] = {}
        self.failures: dict[str, str] = {}

    def content(self, asset: Asset) -> bytes | None:
        """Return an asset's bytes, whose hash has been checked, or None."""
        if not asset.integrity or not _NAME.fullmatch(asset.name):
            self.failures[asset.name] = f"{asset.address}: no hash to hold it to"
            return None
        mirror = next((m for end, m in MIRRORS.items() if asset.address.endswith(end)), None)
        accepted = [asset.integrity, *([mirror.integrity] if mirror and mirror.integrity else [])]
        kept = self._cache / asset.name
        if kept.is_file() and fits(content := kept.read_bytes(), accepted):
            return content
        fetched = self._upstream(asset) or (self._npm(mirror, accepted) if mirror else None)
        if fetched is not None:
            self._keep(asset.name, fetched)
        return fetched

    def _keep(self, name: str, content: bytes) -> None:
        """Put a file into the cache whole or not at all."""
        self._cache.mkdir(parents=True, exist_ok=True)
        files.write(self._cache / name, content)

    def _upstream(self, asset: Asset) -> bytes | None:
        host = urlsplit(asset.address).netloc
        if host in self.failures:
            return None
        algorithm, _, expected = asset.integrity.partition("-")
        digest = f"{algorithm}:{base64.b64decode(expected).hex()}"
        file = _file(asset.name, digest, url=asset.address)
        try:
            return fetch_upstream(file, self._work).read_bytes()
        except Unavailable as error:
            self.failures[host] = str(error)
            return None

    def _npm(self, mirror: _Mirror, accepted: list[str]) -> bytes | None:
        if "npm" in self.failures:
            return None
        try:
            tarball = self._tarball(mirror.package)
            content = dict(read_members(tarball, mirror.member))[mirror.member]
        except (Unavailable, KasvError) as error:
            self.failures["npm"] = str(error)
            return None
        return content if fits(content, accepted) else None

    def _tarball(self, package: _Package) -> Path:
        """Return a package's tarball, fetched once."""
        if package.npm not in self._tarballs:
            name = f"{package.npm.replace('@', '-')}.tgz"
            file = _file(name, f"sha256:{package.sha256}", npm=package.npm, size=package.size)
            self._tarballs[package.npm] = fetch_npm(file, self._work)
        return self._tarballs[package.npm]


def _file(name: str, digest: str, *, url: str = "", npm: str = "", size: int = 0) -> File:
    """Describe a file to the fetchers of data sets; this one holds no arrays."""
    return File((name,), digest, size, lambda _: {}, url, npm)
