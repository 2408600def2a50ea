import json
import math
from datetime import UTC, date, datetime

import made_results as made
import pytest
from click.testing import CliRunner

from kasv import leaderboard, metrics, releases, results
from kasv.leaderboard_command import leaderboard as command
from kasv.measurements import Series, Setting, Task, Training, collect

SETTING = Setting("small", "cpu", "1")
LATE = date(2026, 1, 1)


def release(tag: str, day: str) -> releases.Release:
    version = tag.partition("-")[2]
    lock = "".join(f"{p} --hash=sha256:{'0' * 64}\n" for p in ("asv-runner==1", "numpy==1"))
    return releases.Release(
        tag=tag,
        version=version,
        date=datetime.fromisoformat(day).replace(tzinfo=UTC),
        python="3.6",
        keras="2.2.4",
        requires=[],
        lock=lock,
    )


OLD, CNTK, THEANO, JAX = "cntk-1", "cntk-2", "theano-1", "jax-1"
RELEASES = [
    release(OLD, "2017-06-01"),
    release(CNTK, "2018-06-01"),
    release(THEANO, "2018-01-01"),
    release(JAX, "2018-02-01"),
]
COMMITS = {release.tag: release.commit for release in RELEASES}


def training(seconds: float | None, **values: float) -> Training:
    named = {f"track_{name}": value for name, value in values.items()}
    return Training({"track_step_time": seconds, "time_epoch": seconds, **named})


def board(day: date = LATE, **machines: dict[str, dict[str, Training]]):
    measured = {
        Series(machine, SETTING): {
            COMMITS[tag]: {Task(model, "real"): t for model, t in models.items()}
            for tag, models in found.items()
        }
        for machine, found in machines.items()
    }
    (only,) = leaderboard.boards(measured, RELEASES, day)
    return only


def test_the_fastest_is_best_and_others_have_their_factor():
    found = board(a={CNTK: {"mlp": training(2.0)}, THEANO: {"mlp": training(5.0)}})
    (table,) = found.tables
    assert (table.rows["cntk"][0].is_best, table.rows["cntk"][0].factor) == (True, 1.0)
    assert (table.rows["theano"][0].is_best, table.rows["theano"][0].factor) == (False, 2.5)


def test_factors_are_of_one_machine_each():
    slow = {CNTK: {"mlp": training(20.0)}, THEANO: {"mlp": training(10.0)}}
    fast = {CNTK: {"mlp": training(1.0)}, THEANO: {"mlp": training(3.0)}, JAX: {}}
    found = board(a=slow, b=fast)
    assert found.machines == ["b", "a"]
    assert [c.factor for c in found.tables[0].rows["cntk"]] == [1.0, 2.0]
    assert [c.factor for c in found.tables[0].rows["theano"]] == [3.0, 1.0]


@pytest.mark.parametrize(
    ("day", "tag"),
    [("2017-12-31", "cntk-1"), ("2018-06-01", "cntk-2"), ("2026-01-01", "cntk-2")],
)
def test_the_newest_release_of_the_day(day, tag):
    found = board(
        date.fromisoformat(day), a={OLD: {"mlp": training(1.0)}, CNTK: {"mlp": training(2.0)}}
    )
    assert found.newest["cntk"][0].tag == tag


def test_a_backend_that_did_not_exist_yet_has_no_row():
    found = board(date(2017, 12, 31), a={OLD: {"mlp": training(1.0)}})
    assert list(found.tables[0].rows) == ["cntk"]


def test_no_board_before_anything_was_released():
    measured = {Series("a", SETTING): {COMMITS[OLD]: {Task("mlp", "real"): training(1.0)}}}
    assert leaderboard.boards(measured, RELEASES, date(2016, 1, 1)) == []


def test_an_empty_cell_says_why():
    a = {CNTK: {"mlp": training(1.0), "cnn": training(1.0)}, THEANO: {"mlp": training(None)}}
    b = {CNTK: {"mlp": training(1.0)}}
    found = board(a=a, b=b)
    reasons = {
        t.task.model: {k: [c.reason for c in v] for k, v in t.rows.items()} for t in found.tables
    }
    assert reasons["mlp"]["theano"] == ["fails", "not on this machine"]
    assert reasons["mlp"]["jax"] == ["not measured", "not measured"]
    assert reasons["cnn"]["cntk"] == ["", "not measured"]
    assert reasons["cnn"]["theano"] == ["not measured", "not on this machine"]


def test_a_model_that_fails_has_one_table():
    both = {Task("a", "real"): training(None), Task("a", "generated"): training(None)}
    ran = {Task("a", "generated"): training(1.0), Task("b", "real"): training(None)}
    measured = {Series("box", SETTING): {COMMITS[CNTK]: both, COMMITS[THEANO]: ran}}
    (found,) = leaderboard.boards(measured, RELEASES, LATE)
    assert [str(table.task) for table in found.tables] == ["a (generated data)", "b"]
    assert found.tables[0].rows["cntk"][0].reason == "fails"


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_at_all_is_no_result(seconds):
    found = board(a={CNTK: {"mlp": training(seconds)}, THEANO: {"mlp": training(5.0)}})
    assert found.tables[0].rows["cntk"][0].reason == "fails"
    assert found.tables[0].rows["theano"][0].is_best


def test_the_mean_is_geometric_with_its_spread():
    cntk = {"mlp": training(1.0), "cnn": training(4.0)}
    theano = {"mlp": training(4.0), "cnn": training(1.0)}
    mean = board(a={CNTK: cntk, THEANO: theano}).means["cntk"][0]
    assert mean == pytest.approx((2.0, 1.0, 4.0, 2, True))


def test_who_leaves_out_a_task_cannot_win_the_mean():
    cntk = {"mlp": training(1.0)}
    theano = {"mlp": training(2.0), "cnn": training(9.0)}
    means = board(a={CNTK: cntk, THEANO: theano}).means
    assert (means["cntk"][0].value, means["cntk"][0].is_best) == (1.0, False)
    assert means["theano"][0].is_best
    assert means["jax"] == [None]


def test_loss_stands_where_no_accuracy_is_known():
    models = {"lstm": training(1.0, loss=1.5), "mlp": training(1.0, loss=0.2, accuracy=0.9)}
    lstm, mlp = board(a={CNTK: models}).tables
    assert (lstm.metric, lstm.rows["cntk"][0].quality) == ("track_loss", 1.5)
    assert (mlp.metric, mlp.rows["cntk"][0].quality) == ("track_accuracy", 0.9)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"accuracy": 0.8}, {"accuracy": 0.59}),
        ({"loss": 2.4}, {"loss": 14.5}),
        ({"accuracy": 0.8, "loss": 0.6}, {"accuracy": 0.59, "loss": 0.9}),
    ],
)
def test_who_learned_far_less_is_not_ranked(good, bad):
    fast, slow = {"m": training(1.0, **bad)}, {"m": training(2.0, **good)}
    found = board(a={CNTK: fast, THEANO: slow, JAX: {"m": training(3.0)}})
    rows = found.tables[0].rows
    assert (rows["cntk"][0].step, rows["cntk"][0].factor) == (1.0, None)
    assert rows["cntk"][0].reason == "learned less"
    assert rows["theano"][0].is_best
    assert rows["jax"][0].factor == 1.5
    assert found.means["cntk"] == [None]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"accuracy": 0.8}, {"accuracy": 0.61}),
        ({"loss": 3.0}, {"loss": 3.9}),
        ({"accuracy": 0.16, "loss": 2.20}, {"accuracy": 0.09, "loss": 2.25}),
        ({"accuracy": 0.97, "loss": 0.05}, {"accuracy": 0.95, "loss": 0.20}),
        ({}, {}),
    ],
)
def test_who_learned_nearly_as_much_is_ranked(one, other):
    found = board(a={CNTK: {"m": training(1.0, **one)}, THEANO: {"m": training(2.0, **other)}})
    assert [found.tables[0].rows[b][0].factor for b in ("cntk", "theano")] == [1.0, 2.0]


PROVEN = {"deviation": 1e-7, "optimizer_deviation": 1e-7}


@pytest.mark.parametrize(
    ("values", "marks", "epoch_marks"),
    [
        ({}, (), ()),
        ({"spread": 0.2}, ("unstable",), ("unstable",)),
        ({"other_load": 0.2}, ("contended",), ("contended",)),
        ({"waiting": 0.2}, (), ("waiting",)),
        ({"deviation": math.nan}, (), ()),
        ({"deviation": 1e-3, "reproducibility": 5e-4}, ("racing",), ()),
        ({"optimizer_deviation": 1e-2, "variant_deviation": 1e-6}, ("optimizer",), ()),
        ({"optimizer_deviation": 1e-2, "variant_deviation": 1e-2}, ("optimizer",), ()),
    ],
)
def test_doubtful_times_are_marked(values, marks, epoch_marks):
    values = {name: v for name, v in {**PROVEN, **values}.items() if not math.isnan(v)}
    cell = board(a={CNTK: {"mlp": training(1.0, **values)}}).tables[0].rows["cntk"][0]
    expected = marks if "deviation" in values else ("unproven",)
    assert (cell.marks, cell.epoch_marks) == (expected, epoch_marks)


def test_wrong_work_is_not_ranked():
    wrong = training(1.0, deviation=0.5, reproducibility=1e-6)
    found = board(a={CNTK: {"m": wrong}, THEANO: {"m": training(2.0, **PROVEN)}})
    cell = found.tables[0].rows["cntk"][0]
    assert (cell.step, cell.factor, cell.reason) == (1.0, None, "wrong")
    assert found.tables[0].rows["theano"][0].is_best


def test_what_has_an_epoch_only_is_shown_and_not_ranked():
    found = board(a={CNTK: {"m": Training({"time_epoch": 3.0})}, THEANO: {"m": training(2.0)}})
    cell = found.tables[0].rows["cntk"][0]
    assert (cell.epoch, cell.step, cell.factor, cell.reason) == (3.0, None, None, "no step time")
    assert found.means["cntk"] == [None]


def test_a_slow_epoch_with_fast_steps_ranks_first():
    waits = Training({"track_step_time": 0.001, "time_epoch": 0.66, "track_waiting": 0.6})
    works = Training({"track_step_time": 0.002, "time_epoch": 0.2, "track_waiting": 0.0})
    rows = board(a={CNTK: {"m": waits}, THEANO: {"m": works}}).tables[0].rows
    assert rows["cntk"][0].is_best
    assert rows["theano"][0].factor == 2.0
    assert rows["cntk"][0].epoch_marks == ("waiting",)


@pytest.mark.parametrize(
    ("accuracy", "quality", "reason"),
    [(0.09, None, "not learned"), (0.12, None, "not learned"), (0.13, 0.13, "")],
)
def test_what_is_no_better_than_chance_has_not_learned(accuracy, quality, reason):
    values = {"accuracy": accuracy, "chance_accuracy": 0.12}
    cell = board(a={CNTK: {"m": training(1.0, **values)}}).tables[0].rows["cntk"][0]
    assert (cell.quality, cell.quality_reason, cell.factor) == (quality, reason, 1.0)


def test_the_newest_release_is_the_highest_version_not_the_latest_day():
    late = release("cntk-1.5", "2019-06-01")
    measured = {
        Series("a", SETTING): {
            one.commit: {Task("m", "real"): training(1.0)} for one in (*RELEASES, late)
        }
    }
    (found,) = leaderboard.boards(measured, [*RELEASES, late], LATE)
    assert found.newest["cntk"][0].tag == CNTK


def test_settings_and_kinds_of_data_are_never_mixed():
    task, generated = Task("babi", "real"), Task("babi", "generated")
    full = Series("a", Setting("full", "cpu", "1"))
    measured = {
        full: {COMMITS[CNTK]: {task: training(9.0)}},
        Series("a", SETTING): {
            COMMITS[CNTK]: {task: training(1.0), generated: training(2.0)},
            COMMITS[THEANO]: {generated: training(1.0)},
        },
    }
    small, large = leaderboard.boards(measured, RELEASES, LATE)
    assert [str(t.task) for t in small.tables] == ["babi (generated data)", "babi"]
    assert [t.task for t in large.tables] == [task]


@pytest.fixture
def measured(tmp_path, monkeypatch):
    made.write_releases(tmp_path / "backends", each=2, backends=["tensorflow", "cntk"])
    found = releases.load(tmp_path / "backends")
    for one in found:
        made.write_result(tmp_path / "results", one, failing=["mnist_cnn"][: one.backend == "cntk"])
    load = releases.load
    monkeypatch.setattr(releases, "load", lambda: load(tmp_path / "backends"))
    return tmp_path


def run(folder, *arguments: str, color: bool = False):
    options = ["--results", str(folder / "results"), *arguments]
    return CliRunner().invoke(command, options, color=color)


def test_the_terminal_shows_what_the_files_say(measured):
    outcome = run(measured)
    assert outcome.exit_code == 0
    lines = [line.split() for line in outcome.output.splitlines()]
    accuracies = [f"{made.accuracy(b, 'mnist_mlp'):.1%}" for b in ("tensorflow", "cntk")]
    published = metrics.digits(made.published_epoch("tensorflow", 1, "mnist_mlp"))
    assert ["tensorflow-1.1", "9.00", "0.500", published, accuracies[0]] in lines
    published = metrics.digits(made.published_epoch("cntk", 1, "mnist_mlp"))
    assert ["cntk-1.1", "18.0", "(2.0x)", "1.00", published, accuracies[1]] in lines
    assert ["cntk-1.1", "fails", "fails"] in lines
    assert "small data, CPU, 1 thread" in outcome.output
    assert "babi_rnn (generated data)" in outcome.output
    assert "2.0x (2.0x to 2.0x, 7)" in outcome.output


def test_the_terminal_shows_a_day(measured):
    assert "tensorflow-1.0" in run(measured, "--day", "2017-12-01").output


def test_the_terminal_names_the_releases_that_differ_by_machine(measured):
    for one in releases.load():
        if one.tag == "cntk-1.0":
            made.write_result(measured / "results", one, "other")
    lines = run(measured, "--model", "mnist_mlp").output.splitlines()
    (cntk,) = [line.split() for line in lines if line.startswith("cntk")]
    assert cntk[:6] == ["cntk", "18.0", "(2.0x)", "cntk-1.1", "18.0", "cntk-1.0"]


def test_the_terminal_shows_one_model(measured):
    output = run(measured, "--model", "mnist_mlp").output
    assert "mnist_mlp" in output
    assert "mnist_cnn" not in output


@pytest.mark.parametrize("arguments", [("--day", "2016-01-01"), ("--model", "none")])
def test_nothing_to_show_is_an_error(measured, arguments):
    outcome = run(measured, *arguments)
    assert outcome.exit_code == 1
    assert "no results" in outcome.output


def test_only_the_best_is_bold(measured):
    output = run(measured, "--model", "mnist_mlp", color=True).output
    assert "\x1b[1m9.00\x1b[0m" in output
    assert "\x1b[1m18.0" not in output


def test_a_machines_name_cannot_command_the_terminal(measured):
    for path in (measured / "results" / made.MACHINE).glob("*.json"):
        text = path.read_text().replace(json.dumps(made.MACHINE), json.dumps("\x1b[31mred"))
        path.write_text(text)
    output = run(measured, color=True).output
    assert "\x1b[31m" not in output
    assert "no results" in output  # files with such a name are left out


def test_results_are_folded_by_series_and_release(measured):
    found = collect(results.load(measured / "results"))
    (series,) = found
    assert (series.machine, series.setting) == (made.MACHINE, SETTING)
    one = next(r for r in releases.load() if r.tag == "tensorflow-1.1")
    mlp = found[series][one.commit][Task("mnist_mlp", "real")]
    assert mlp.value("time_epoch") == made.seconds("tensorflow", 1, "mnist_mlp")
    assert mlp.history[3] == made.accuracy("tensorflow", "mnist_mlp", 3)
    assert len(mlp.sampled["track_step_time"].samples) == 6
