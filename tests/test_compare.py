import json
import math
from pathlib import Path

import made_results
import pytest
from click.testing import CliRunner

from kasv import compare, compare_select, compare_text, conditions, releases, results
from kasv.background import Background
from kasv.compare_command import compare as command
from kasv.conditions import Calibration, Conditions, Session
from kasv.errors import KasvError
from kasv.facts import Facts
from kasv.results import Figure, Stats
from kasv.significance import Effect

SIDES = ("before", "after")
QUIET = Background(0.02, 0.01, 30.0)
TIMED = tuple(1 + 0.001 * n for n in range(25))
SLOWER = tuple(1.1 * seconds for seconds in TIMED)


def figure(metric, value, samples=(), version="1", model="mnist_mlp", **fields):
    return Figure(
        "box", "0" * 40, {}, model, "real", metric, None, value, samples, version=version, **fields
    )


def only_row(a, b, *others_before, others_after=()):
    before = compare.index([f for f in (a, *others_before) if f])
    after = compare.index([f for f in (b, *others_after) if f])
    shown = {f.metric for f in (a, b) if f}
    (row,) = [row for row in rows(before, after) if row.metric in shown]
    return row


def rows(before, after):
    backgrounds = dict.fromkeys(("track_step_time", "time_epoch"), QUIET)
    found = compare.compare(("a", "b"), "box", {}, (before, after), {"mnist_mlp": 5}, backgrounds)
    return found.rows


@pytest.mark.parametrize(
    ("metric", "before", "after", "verdict"),
    [
        ("track_accuracy", 0.98, 0.95, "worse"),
        ("track_accuracy", 0.95, 0.98, "better"),
        ("track_accuracy", 0.98, 0.97, "same"),
        ("track_loss", 0.1, 0.2, "worse"),
        ("track_loss", 0.2, 0.1, "better"),
        ("track_loss", 0.2, 0.21, "same"),
        ("track_loss", 0.0, 0.1, "worse"),
        ("track_loss", 0.0, 0.0, "same"),
        ("track_peak_memory", 1e9, 1.1e9, "worse"),
        ("track_peak_memory", 1.1e9, 1e9, "better"),
        ("track_first_epoch", 2.0, 2.8, "same"),
        ("track_first_epoch", 2.0, 3.2, "worse"),
        ("track_first_epoch", 3.2, 2.0, "better"),
        ("track_epoch_with_validation", 2.0, 2.6, "worse"),
    ],
)
def test_a_single_value_counts_beyond_its_tolerance_in_its_direction(
    metric, before, after, verdict
):
    assert only_row(figure(metric, before), figure(metric, after)).verdict == verdict


@pytest.mark.parametrize("lost", [0.001, 0.01, 0.021, 0.1, 0.9])
def test_a_lost_point_of_accuracy_is_never_an_improvement(lost):
    row = only_row(figure("track_accuracy", 0.95), figure("track_accuracy", 0.95 - lost))
    assert row.verdict in ("same", "worse")


def test_accuracy_regresses_by_its_error():
    row = only_row(figure("track_accuracy", 0.98), figure("track_accuracy", 0.95))
    assert row.regression == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(TIMED, SLOWER, "worse"), (SLOWER, TIMED, "better"), (TIMED, TIMED, "cannot tell")],
)
def test_epochs_are_judged_by_their_samples(before, after, verdict):
    row = only_row(figure("time_epoch", 1.0, before), figure("time_epoch", 1.0, after))
    assert row.verdict == verdict
    assert (row.regression > 0) == (verdict == "worse")


@pytest.mark.parametrize(("share", "verdict"), [(0.09, "worse"), (0.5, "cannot tell")])
def test_an_epoch_that_waits_has_no_verdict_and_its_steps_have(share, verdict):
    waits = figure("track_waiting", share)
    before, after = (figure("time_epoch", 1.0, seconds) for seconds in (TIMED, SLOWER))
    row = only_row(before, after, waits)
    assert row.verdict == verdict
    assert row.notes == (("waiting before (50%)",) if share > 0.1 else ())
    steps = [figure("track_step_time", 1.0, f.samples) for f in (before, after)]
    row = only_row(*steps, waits, before, others_after=[after])
    assert (row.verdict, row.notes) == ("worse", ())


def test_without_samples_asvs_statistics_serve_and_a_note_says_so():
    stats = [Stats(0.9, 1.1, 0.99, 1.01, 1, 5), Stats(1.9, 2.1, 1.99, 2.01, 1, 5)]
    a, b = (figure("time_epoch", n + 1.0, stats=stats[n]) for n in (0, 1))
    row = only_row(a, b)
    assert row.verdict == "worse"
    assert row.notes == ("no samples",)
    assert row.effect.ratio == pytest.approx(2)


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        (0.09, 0.5, ("not learned before",)),
        (0.5, 0.12, ("not learned after",)),
        (0.1, 0.1, ("not learned before", "not learned after")),
        (0.5, 0.5, ()),
    ],
)
def test_no_accuracy_is_shown_of_what_has_not_learned(before, after, notes):
    chance = figure("track_chance_accuracy", 0.12)
    a, b = (figure("track_accuracy", value) for value in (before, after))
    row = only_row(a, b, chance, others_after=[chance])
    assert row.notes == notes
    shown = compare_text._row(row)[2:5]
    assert [not text for text in shown[:2]] == [f"not learned {s}" in notes for s in SIDES]
    assert bool(shown[2]) == (not notes)


@pytest.mark.parametrize(
    ("before", "after", "verdict", "regression"),
    [
        (figure("track_loss", 0.1), figure("track_loss", None), "fails", math.inf),
        (figure("track_loss", None), figure("track_loss", 0.1), "fixed", 0),
        (figure("track_loss", None), figure("track_loss", None), "fails", 0),
        (None, figure("track_loss", 0.1), "n/a", 0),
        (figure("track_loss", 0.1), None, "n/a", 0),
        (figure("track_loss", 0.1), figure("track_loss", 9, version="2"), "not comparable", 0),
    ],
)
def test_what_failed_or_is_missing_says_so(before, after, verdict, regression):
    row = only_row(before, after)
    assert (row.verdict, row.regression) == (verdict, regression)


def test_a_contended_or_unstable_training_is_marked_and_its_single_epochs_are_not_judged():
    marks = [figure("track_other_load", 0.4), figure("track_spread", 0.3)]
    a, b = figure("track_first_epoch", 1.0), figure("track_first_epoch", 9.0)
    row = only_row(a, b, *marks)
    assert row.verdict == "cannot tell"
    assert row.notes == ("unstable before (30%)", "contended before (40%)")


def test_many_models_share_one_chance_of_a_false_alarm():
    def interval(models):
        both = compare.index(
            figure("track_step_time", 1.0, TIMED, model=f"model_{n}") for n in range(models)
        )
        return rows(both, both)[0].effect

    assert interval(8).high > interval(1).high


# From here on with asv's own files.


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write a history long enough to judge by; the third release of each backend is slower."""
    made_results.write_everything(tmp_path, each=4)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    answer = CliRunner().invoke(command, arguments)
    if isinstance(answer.exception, KasvError):
        raise answer.exception
    return answer


def test_a_table_of_two_tags(project):
    answer = run("tensorflow-1.1", "tensorflow-1.2")
    assert answer.exit_code == 1
    assert "regressions beyond 5 %." in answer.output
    assert "geometric mean of 8" in answer.output
    assert "babi_rnn (generated data)" in answer.output
    rows = [line.split("  ") for line in answer.output.splitlines()]
    cells = [[cell.strip() for cell in row if cell] for row in rows]
    assert ["mnist_mlp", "step", "9.00 ms", "13.5 ms", "+50.0%"] in [row[:5] for row in cells]
    assert ["mnist_mlp", "epoch", "0.500 s", "0.750 s", "+50.0%"] in [row[:5] for row in cells]


def test_the_exit_status_follows_the_threshold(project):
    assert run("tensorflow-1.1", "tensorflow-1.2", "--threshold", "51").exit_code == 0
    assert run("tensorflow-1.2", "tensorflow-1.1").exit_code == 0
    assert run("tensorflow-1.0", "tensorflow-1.1").exit_code == 0


def test_backends_stand_for_their_newest_release_with_results(project):
    (newest,) = (project / "results").glob(f"*/{_commit('tensorflow-1.3')[:8]}-*.json")
    newest.unlink()
    output = run("tensorflow", "cntk").output
    assert "tensorflow-1.2 -> cntk-1.3" in output


def test_a_new_failure_is_a_regression(project):
    answer = run("tensorflow", "mxnet", "--threshold", "100000")
    assert answer.exit_code == 1
    assert "7 regressions beyond 100000 %." in answer.output


def test_days_compare_each_backends_newest_release(project):
    output = run("2017-07-01", "2017-12-31").output
    assert "tensorflow-1.0 -> tensorflow-1.1" in output
    assert "torch-1.0 -> torch-1.1" in output


def test_a_release_of_the_day_itself_counts(project):
    assert "tensorflow-1.0 -> tensorflow-1.2" in run("2017-06-01", "tensorflow-1.2").output


def test_json_holds_what_the_table_shows(project):
    answer = run("tensorflow-1.1", "tensorflow-1.2", "--json")
    (content,) = json.loads(answer.output)
    row = content["rows"][0]
    assert (content["before"], content["after"]) == ("tensorflow-1.1", "tensorflow-1.2")
    assert (row["metric"], row["verdict"]) == ("track_step_time", "worse")
    assert row["effect"]["ratio"] == pytest.approx(1.5)
    assert content["regressions"] >= 8


def test_json_has_null_for_an_infinite_regression(project):
    (content,) = json.loads(run("tensorflow", "mxnet", "--json").output)
    failed = [row for row in content["rows"] if row["verdict"] == "fails"]
    assert failed
    assert all(row["regression"] is None for row in failed)


def test_markdown_is_one_table_a_comparison(project):
    output = run("tensorflow-1.1", "tensorflow-1.2", "--markdown").output
    assert output.startswith("### tensorflow-1.1 -&gt; tensorflow-1.2 on test-machine")
    assert "| **worse** |" in output.replace("  ", "")


def test_names_from_result_files_stay_text(project):
    everything = releases.load(project / "backends")
    for release in everything[:2]:
        made_results.write_result(project / "results", release, machine="<b>*x*")
        made_results.write_result(project / "results", release, machine="\x1b[2J")
    arguments = ("tensorflow-1.0", "tensorflow-1.1", "--machine")
    assert r"&lt;b&gt;\*x\*" in run(*arguments, "<b>*x*", "--markdown").output
    with pytest.raises(KasvError, match="none is called") as error:  # its files are left out
        run(*arguments, "\x1b[2J")
    assert str(error.value).isprintable()


def test_another_folder_of_results(project):
    (project / "results").rename(project / "moved")
    assert run("tensorflow-1.0", "cntk-1.0", "--results", "moved").exit_code in (0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tensorflow-9", "cntk"), "tensorflow-9"),
        (("2016-01-01", "cntk"), "no release from 2016-01-01 or before has results"),
        (("2016-13-01", "cntk"), "2016-13-01 is not a date"),
        (("tensorflow-1.1", "tensorflow-1.1"), "stand for the same releases"),
        (("tensorflow", "cntk", "--machine", "nowhere"), "none is called 'nowhere'"),
        (("tensorflow", "cntk", "--size", "full"), "no results"),
    ],
)
def test_what_cannot_be_compared(project, arguments, message):
    with pytest.raises(KasvError, match=message):
        run(*arguments)


def test_a_release_without_results_names_the_command_that_makes_some(project):
    for path in (project / "results").glob(f"*/{_commit('cntk-1.3')[:8]}-*.json"):
        path.unlink()
    with pytest.raises(KasvError, match=r'asv run "cntk-1\.3\^!"'):
        run("tensorflow", "cntk-1.3")
    for path in (project / "results").glob("*/*-keras-*.json"):
        path.unlink()
    with pytest.raises(KasvError, match="holds no results"):
        run("tensorflow", "cntk")


def test_several_machines_need_a_choice(project):
    release = releases.load(project / "backends")[0]
    made_results.write_result(project / "results", release, machine="other")
    with pytest.raises(KasvError, match="name one with --machine"):
        run("tensorflow", "cntk")


def test_of_several_machines_this_one_is_compared(project, monkeypatch, tmp_path):
    for release in releases.load(project / "backends"):
        made_results.write_result(project / "results", release, machine="here")
    known = {"version": 1, "here": {"machine": "here"}}
    (tmp_path / ".asv-machine.json").write_text(json.dumps(known), encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "on here (" in run("tensorflow-1.0", "tensorflow-1.1").output
    chosen = run("tensorflow-1.0", "tensorflow-1.1", "--machine", "test-machine")
    assert "on test-machine (" in chosen.output


def test_other_settings_are_never_mixed(project):
    gpu = {**made_results.VARIABLES, "KASV_DEVICE": "gpu"}
    for release in releases.load(project / "backends")[:2]:
        made_results.write_result(project / "results", release, variables=gpu)
    assert "KASV_DEVICE=cpu" in run("tensorflow-1.0", "tensorflow-1.1").output
    output = run("tensorflow-1.0", "tensorflow-1.1", "--device", "gpu").output
    assert "KASV_DEVICE=gpu" in output
    assert "KASV_DEVICE=cpu" not in output


def test_a_machine_that_was_slower_on_one_side_is_noted(project):
    facts = Facts("AMD EPYC", "AuthenticAMD family 23 model 1 stepping 2", 2, "", "Linux 6")
    for tag, seconds in (("tensorflow-1.0", 1.0), ("tensorflow-1.1", 1.2)):
        calibration = Calibration(seconds, "2.4.6")
        session = Session(0, 2**52, facts, 0.0, calibration, calibration)
        commit = _commit(tag)
        (result,) = (project / "results").glob(f"*/{commit[:8]}-*.json")
        path, variables = conditions.path_of(result), made_results.VARIABLES
        conditions.write(path, Conditions(made_results.MACHINE, commit, variables, (session,)))
    content = json.loads(run("tensorflow-1.0", "tensorflow-1.1", "--json").output)
    for row in content[0]["rows"]:
        is_time = compare.METRICS[row["metric"]].unit == "seconds"
        assert ("machine 20% slower after" in row["notes"]) == is_time
    assert "slower" not in run("tensorflow-1.1", "tensorflow-1.2").output  # of 1.2, none is known


def test_outside_a_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KasvError, match="checkout"):
        compare_select.scope(None, None, None, None)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"m.M.time_epoch": {"repeat": 5}, "m.M.track_loss": {}, "version": 2}, {"m": 5}),
        ({"m.M.time_epoch": {"repeat": [1, 5, 2]}}, {}),
        ({"m.M.time_epoch": {"repeat": True}}, {}),
        ([], {}),
    ],
)
def test_how_many_samples_make_a_round(tmp_path, content, expected):
    (tmp_path / "benchmarks.json").write_text(json.dumps(content))
    assert results.samples_per_round(tmp_path) == expected


def _commit(tag):
    (found,) = [r.commit for r in releases.load(Path("backends")) if r.tag == tag]
    return found


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(0.9, 1.21, "-10.0% to +21.0%"), (1e-4, 1e4, "over 5x either way")],
)
def test_an_interval_that_says_nothing_is_not_written_out(low, high, shown):
    assert compare_text._interval(Effect(1.0, low, high)) == shown
