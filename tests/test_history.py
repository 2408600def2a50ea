"""Branches, tags, abbreviations and ranges mean what they mean to git."""

import pytest
from conftest import release

from kasv.errors import KasvError, UnknownNameError
from kasv.history import History, in_order


@pytest.fixture
def history(few_releases):
    return History(few_releases, ["tensorflow", "cntk"])


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("cntk", "cntk-2.7"),
        ("cntk-2.6", "cntk-2.6"),
        ("cntk^", "cntk-2.6"),
        ("tensorflow-1.14.0^^", "tensorflow-1.3.0"),
        ("tensorflow~2", "tensorflow-1.3.0"),
        ("tensorflow~", "tensorflow-1.4.1"),
    ],
)
def test_names(history, name, tag):
    assert history.resolve(name).tag == tag


def test_commits_and_their_abbreviations(history):
    release = history.releases[0]
    assert history.resolve(release.commit) is release
    assert history.resolve(release.commit[:8]) is release


@pytest.mark.parametrize(
    ("spec", "tags"),
    [
        ("cntk", ["cntk-2.7", "cntk-2.6"]),
        ("cntk-2.6", ["cntk-2.6"]),
        ("cntk-2.7^!", ["cntk-2.7"]),
        ("tensorflow-1.3.0..tensorflow-1.14.0", ["tensorflow-1.14.0", "tensorflow-1.4.1"]),
        ("tensorflow-1.3.0..", ["tensorflow-1.14.0", "tensorflow-1.4.1"]),
        ("tensorflow-1.3.0..cntk", ["cntk-2.7", "cntk-2.6"]),
        ("cntk ^cntk-2.6", ["cntk-2.7"]),
        ("cntk-2.7^! tensorflow-1.3.0^!", ["cntk-2.7", "tensorflow-1.3.0"]),
        ("cntk..cntk", []),
        (
            "--all",
            ["cntk-2.7", "cntk-2.6", "tensorflow-1.14.0", "tensorflow-1.4.1", "tensorflow-1.3.0"],
        ),
    ],
)
def test_ranges(history, spec, tags):
    assert [release.tag for release in history.range(spec)] == tags


@pytest.mark.parametrize("spec", ["--merges cntk", "cntk...tensorflow", "-n1"])
def test_ranges_that_mean_nothing_here_are_refused(history, spec):
    with pytest.raises(KasvError, match="use a, "):
        history.range(spec)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cntk-2.8", "did you mean"),
        ("mxnet-9", "`kasv releases` lists them"),
        ("cntk~9", "cntk-2.6 is the oldest cntk"),
        ("cntk~x", "a number must follow"),
        ("", "no release"),
    ],
)
def test_unknown_names_say_what_is_there(history, name, said):
    with pytest.raises(UnknownNameError, match=said):
        history.resolve(name)


def test_another_branch_s_release_says_which_environment_measures_it(few_releases):
    narrowed = History(few_releases, ["cntk"])
    with pytest.raises(UnknownNameError, match="use --environment tensorflow or keras"):
        narrowed.resolve("tensorflow-1.3.0")


def test_by_date_goes_across_branches(history):
    assert [release.tag for release in history.by_date][-2:] == ["cntk-2.7", "tensorflow-1.14.0"]


@pytest.fixture
def repaired():
    """Return a history in which an old version is repaired after a new one came out."""
    found = [
        release("tensorflow-1.13.2", "2019-06-18"),
        release("tensorflow-1.14.0", "2019-06-19"),
        release("tensorflow-1.12.3", "2019-06-21"),
        release("cntk-2.7", "2019-06-20"),
    ]
    return History(found, ["tensorflow", "cntk"])


def test_a_late_repair_stands_after_its_version(repaired):
    tags = [r.tag for r in repaired.by_branch["tensorflow"]]
    assert tags == ["tensorflow-1.14.0", "tensorflow-1.13.2", "tensorflow-1.12.3"]
    assert [r.tag for r in repaired.range("tensorflow-1.12.3..tensorflow-1.14.0")] == tags[:2]
    assert repaired.resolve("tensorflow-1.13.2^").tag == "tensorflow-1.12.3"
    assert repaired.resolve("tensorflow").tag == "tensorflow-1.14.0"


def test_revisions_follow_the_branches_and_else_the_dates(repaired):
    assert [r.tag for r in repaired.by_revision] == [
        "cntk-2.7",
        "tensorflow-1.12.3",
        "tensorflow-1.13.2",
        "tensorflow-1.14.0",
    ]


def test_of_equal_versions_keras_decides():
    found = [
        release("tensorflow-2.16.1-keras-3.10.0", "2024-03-01", version="2.16.1", keras="3.10.0"),
        release("tensorflow-2.16.1-keras-3.9.0", "2024-04-01", version="2.16.1", keras="3.9.0"),
        release("tensorflow-2.2.3", "2024-05-01", keras="2.3.0-tf"),
    ]
    tags = [r.tag.partition("-")[2] for r in in_order(found)]
    assert tags == ["2.2.3", "2.16.1-keras-3.9.0", "2.16.1-keras-3.10.0"]


def test_a_release_with_another_keras_comes_after_that_of_its_day():
    found = [
        release("cntk-2.7-keras-2.2.2", "2019-04-19", version="2.7", keras="2.2.2"),
        release("cntk-2.7", "2019-04-19", keras="2.2.4"),
    ]
    assert [r.tag for r in in_order(found)] == ["cntk-2.7", "cntk-2.7-keras-2.2.2"]
