"""The command line answers on the committed releases, and reports errors in one line."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from kasv import releases
from kasv.cli import main
from kasv.history import in_order


def kasv(*arguments):
    return CliRunner().invoke(main, arguments)


def test_the_table_lists_what_there_is_and_what_cannot_be_had():
    result = kasv("releases")
    assert result.exit_code == 0
    assert "cntk-2.7.post2 " in result.output
    assert "cntk-2.1 " in result.output.partition("cannot be had")[2]


def test_json_holds_every_release_with_its_pins():
    listed = json.loads(kasv("releases", "--json").output)
    assert [entry["tag"] for entry in listed] == [
        release.tag for release in in_order(releases.load())
    ]
    assert all("numpy" in entry["pins"] for entry in listed)


def test_a_release_shows_what_changed_since_the_one_before():
    output = kasv("releases", "show", "cntk-2.7.post2").output
    assert "keras==2.2.5" in output
    assert "changed since cntk-2." in output
    changes = json.loads(kasv("releases", "show", "--json", "cntk-2.7.post2").output)["changes"]
    assert changes["cntk"][1] == "2.7.post2"
    assert "LSTMs: none -> unrolled" in kasv("releases", "show", "mxnet-1.5.1").output


def test_the_oldest_release_has_nothing_before_it():
    oldest = next(release for release in releases.load() if release.backend == "cntk")
    assert "changed since" not in kasv("releases", "show", oldest.tag).output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["releases", "show", "cntk-9"], "no release"),
        (["build", "theano-9"], "no release"),
        (["doctor", "nothing"], "no release"),
        (["compare", "9999-12-31", "2018-01-01"], "9999-12-31 is not a date"),
    ],
)
def test_errors_are_one_line_with_exit_status_2(arguments, said):
    result = kasv(*arguments)
    assert result.exit_code == 2
    assert result.output.startswith("kasv: ")
    assert said in result.output
    assert result.output.count("\n") == 1


def test_a_build_needs_a_job():
    result = kasv("build", "--jobs", "0", "theano-1.0.5")
    assert result.exit_code == 2
    assert "--jobs" in result.output


def test_a_build_that_failed_names_its_release_once(tmp_path, monkeypatch):
    (tmp_path / "env").write_text("a file where the folder belongs")
    (tmp_path / "asv.conf.json").write_text('{"env_dir": "env"}')
    monkeypatch.chdir(tmp_path)
    result = kasv("build", "theano-1.0.5")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("theano-1.0.5: cannot build")


def test_outside_a_checkout_it_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = kasv("prune")
    assert result.exit_code == 2
    assert "asv.conf.json" in result.output


@pytest.mark.parametrize("arguments", [["--help"], ["releases"]])
def test_quick_commands_import_nothing_heavy(arguments):
    """asv, numpy and jinja2 alone take longer to import than these commands may take in all."""
    code = (
        "import sys; from kasv.cli import main; main(sys.argv[1:], standalone_mode=False); "
        "print([m for m in ('asv', 'numpy', 'jinja2', 'pooch', 'scipy') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"
