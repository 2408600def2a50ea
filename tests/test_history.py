"""Branches, tags, abbreviations and ranges mean what they mean to git."""

import pytest

from kasv.errors import KasvError, UnknownNameError
from kasv.history import History


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
