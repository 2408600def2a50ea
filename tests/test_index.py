"""The index's answers are read as PEP 691 and 700 say, and doubted wherever they can be wrong."""

import json
from datetime import UTC, datetime

import made_index
import pytest
from packaging.version import Version

from kasv import index
from kasv.errors import KasvError

ANSWER = """{"files": [
 {"filename": "Thing-1.0.tar.gz", "upload-time": "2017-03-08T00:50:12.999999Z"},
 {"filename": "thing-1.0-cp36-cp36m-manylinux1_x86_64.whl", "upload-time": "2017-03-07T23:00:00Z"},
 {"filename": "thing-1.0.win32-py3.6.exe", "upload-time": "2017-03-08T00:50:12Z"},
 {"filename": "other-9.0.tar.gz", "upload-time": "2017-03-08T00:50:12Z"},
 {"filename": "thing-2.0rc1-py3-none-any.whl", "upload-time": "2018-01-01T00:00:00Z"},
 {"filename": "thing-1.1-py3-none-any.whl", "upload-time": "2018-02-01T02:00:00+02:00",
  "requires-python": ">=3.7", "yanked": false},
 {"filename": "thing-1.2-py3-none-any.whl", "upload-time": "2018-03-01T00:00:00Z",
  "yanked": "broken"},
 {"filename": "thing-1.3-py3-none-any.whl", "upload-time": "2018-03-01T00:00:00Z",
  "requires-python": "soon"}
]}"""


@pytest.fixture(autouse=True)
def forget():
    index.files.cache_clear()
    yield
    index.files.cache_clear()


@pytest.fixture
def made(monkeypatch):
    made = made_index.Index()
    with made_index.served(made) as address:
        monkeypatch.setenv("UV_DEFAULT_INDEX", address)
        monkeypatch.setenv("UV_NO_CACHE", "1")
        yield made


def test_files_are_read_oldest_first():
    found = index.parse("thing", ANSWER.encode())
    assert [(f.name, str(f.version)) for f in found] == [
        ("thing-1.0-cp36-cp36m-manylinux1_x86_64.whl", "1.0"),
        ("Thing-1.0.tar.gz", "1.0"),
        ("thing-2.0rc1-py3-none-any.whl", "2.0rc1"),
        ("thing-1.1-py3-none-any.whl", "1.1"),
    ]
    assert found[1].uploaded == datetime(2017, 3, 8, 0, 50, 12, tzinfo=UTC)
    assert found[3].uploaded == datetime(2018, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("<html></html>", "PEP 691"),
        ("[]", "PEP 691"),
        ('{"files": [{"filename": 7}]}', "PEP 691"),
        ('{"files": [{"filename": "thing-1.0.tar.gz", "upload-time": "today"}]}', "PEP 691"),
        ('{"files": [{"filename": "thing-1.0.tar.gz"}]}', "PEP 700"),
        (
            '{"files": [{"filename": "thing-1.0.tar.gz", "upload-time": '
            '"0001-01-01T00:00:00+12:00"}]}',
            "impossible time",
        ),
        (
            '{"files": [{"filename": "thing-1.0.tar.gz", "upload-time": '
            '"9999-12-31T23:59:59-12:00"}]}',
            "impossible time",
        ),
    ],
)
def test_nonsense_is_refused(answer, said):
    with pytest.raises(KasvError, match=said):
        index.parse("thing", answer.encode())


@pytest.mark.parametrize("name", ["", "../etc", "a/b", "a b", "-thing", "thing?x"])
def test_a_bad_name_is_never_asked_for(name):
    with pytest.raises(KasvError, match="no package name"):
        index.files(name)


def test_versions_are_those_that_a_python_can_install(made):
    made.projects["thing"] = json.loads(ANSWER)["files"]
    assert index.uploads("thing", "3.6") == {
        Version("1.0"): datetime(2017, 3, 7, 23, tzinfo=UTC),
    }
    assert list(index.uploads("Thing", "3.11")) == [Version("1.0"), Version("1.1")]


def test_a_project_that_is_not_there_is_named(made):
    with pytest.raises(KasvError, match=r"simple/thing/.*Not Found"):
        index.files("thing")


def test_an_unreachable_index_is_named(monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    with pytest.raises(
        KasvError, match=r"did not answer http://127.0.0.1:9/simple/thing/.*network"
    ):
        index.files("thing")


def test_an_index_is_never_a_file(monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "file:///example")
    with pytest.raises(KasvError, match="asked over https"):
        index.files("thing")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"UV_DEFAULT_INDEX": "https://a.example.org/simple/"}, "https://a.example.org/simple"),
        ({"UV_INDEX_URL": "https://b.example.org/simple"}, "https://b.example.org/simple"),
        ({"PIP_INDEX_URL": "https://c.example.org/simple"}, "https://c.example.org/simple"),
        (
            {
                "UV_DEFAULT_INDEX": "https://a.example.org/simple",
                "PIP_INDEX_URL": "https://c.example.org/simple",
            },
            "https://a.example.org/simple",
        ),
    ],
)
def test_the_address_is_the_environments(monkeypatch, variables, expected):
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert index.address() == expected


def test_links_of_pip_reach_uv_only_where_asked_for(monkeypatch):
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_FIND_LINKS", "/a /b")
    assert index.uv_environment(links=True)["UV_FIND_LINKS"] == "/a,/b"
    monkeypatch.setenv("UV_FIND_LINKS", "/c")
    assert index.uv_environment(links=True)["UV_FIND_LINKS"] == "/c"
    assert "UV_FIND_LINKS" not in index.uv_environment()


@pytest.mark.parametrize(
    ("name", "python", "fits"),
    [
        ("n-1-cp36-cp36m-manylinux1_x86_64.whl", "3.6", True),
        ("n-1-cp36-cp36m-manylinux1_x86_64.whl", "3.7", False),
        ("n-1-cp37-cp37m-manylinux2010_x86_64.whl", "3.7", True),
        ("n-1-cp38-cp38-manylinux2014_x86_64.whl", "3.8", True),
        ("n-1-cp36-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "3.13", True),
        ("n-1-cp311-abi3-manylinux_2_17_x86_64.whl", "3.10", False),
        ("n-1-py2.py3-none-any.whl", "3.6", True),
        ("n-1-py2-none-any.whl", "3.6", False),
        ("n-1-py3-none-manylinux_2_12_x86_64.whl", "3.11", True),
        ("n-1-cp311-cp311-manylinux_2_28_x86_64.whl", "3.11", True),
        ("n-1-cp311-cp311-manylinux_2_39_x86_64.whl", "3.11", False),
        ("n-1-cp311-cp311-linux_x86_64.whl", "3.11", True),
        ("n-1-cp311-cp311-musllinux_1_2_x86_64.whl", "3.11", False),
        ("n-1-cp311-cp311-manylinux_2_17_aarch64.whl", "3.11", False),
        ("n-1-cp311-cp311-win_amd64.whl", "3.11", False),
        ("n-1-cp311-cp311-macosx_11_0_arm64.whl", "3.11", False),
        ("n-1-cp313-cp313t-manylinux_2_17_x86_64.whl", "3.13", False),
        ("n-1.whl", "3.11", False),
        ("../n-1-py3-none-any.whl", "3.11", False),
    ],
)
def test_wheels_are_told_by_their_tags(name, python, fits):
    assert index.wheel_fits(name, index.supported_tags(python)) is fits
