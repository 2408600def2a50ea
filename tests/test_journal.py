"""What was measured is never lost to an interruption, a failure, a quick run or a full disk."""

import json

import pytest
from asv import util
from asv.results import Results
from asv.runner import BenchmarkResult

from kasv.journal import Journal

COMMIT = "1234567890" * 4
NAME = "keras-KASV_SIZEsmall"
BENCHMARK = {"name": "mnist_mlp.MnistMlp.time_epoch", "version": "1", "params": []}
QUICK = '{"number": 1, "repeat": 1, "warmup_time": 0, "rounds": 1}'


@pytest.fixture
def results_dir(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def begin(tmp_path, results_dir):
    """Return a function that begins the commit's journal, as a new process would."""

    def start():
        journal = Journal(tmp_path / "journal", COMMIT, NAME, results_dir)
        journal.begin()
        return journal

    return start


@pytest.fixture
def store(results_dir):
    """Return a function that stores values as `asv run` does, over what is stored already."""

    def run(**values):
        results = Results({"machine": "here"}, {}, COMMIT, 0, "pinned", NAME, {})
        results.load_data(str(results_dir))
        for name, value in values.items():
            answer = BenchmarkResult([value], [None], [None], 0 if value else 1, "", None)
            results.add_result({**BENCHMARK, "name": name}, answer)
        results.save(str(results_dir))

    return run


@pytest.fixture
def stored(results_dir):
    def read():
        (path,) = results_dir.glob(f"here/{COMMIT[:8]}-*.json")
        columns = util.load_json(str(path), 2)["results"]
        return {name: row[0] and row[0][0] for name, row in columns.items()}

    return read


def test_a_failure_puts_back_what_was_measured(begin, store, stored):
    store(epoch=1.5, accuracy=0.9)
    journal = begin()
    store(epoch=None, accuracy=0.8)
    journal.settle()
    assert stored() == {"epoch": 1.5, "accuracy": 0.8}
    assert not journal.folder.exists()


def test_a_failure_where_nothing_was_measured_stands(begin, store, stored):
    store(accuracy=0.9)
    journal = begin()
    store(epoch=None)
    journal.settle()
    assert stored() == {"epoch": None, "accuracy": 0.9}


def test_a_release_that_cannot_be_built_leaves_the_file_as_it_was(begin, store, stored):
    store(epoch=1.5)
    journal = begin()
    journal.discard()
    store(epoch=None, accuracy=None)
    journal.settle()
    assert stored() == {"epoch": 1.5}


def test_a_release_that_was_never_measured_and_cannot_be_built_leaves_no_file(
    begin, store, results_dir
):
    journal = begin()
    journal.discard()
    store(epoch=None)
    journal.settle()
    assert not list(results_dir.glob("*/*.json"))


def test_a_quick_run_is_not_saved(begin, store, stored):
    store(epoch=1.5)
    journal = begin()
    journal.add("epoch", QUICK, b"2.5")
    store(epoch=2.5)
    journal.settle()
    assert stored() == {"epoch": 1.5}


def test_an_interrupted_run_s_finished_benchmarks_are_replayed(begin):
    journal = begin()
    assert journal.replay("epoch", "{}") is None
    journal.add("epoch", "{}", b"1.5")
    journal.add("accuracy", "{}", None)
    (journal.records / "mnist_mlp-real.json").write_text("{}")
    journal.settle()  # asv stored nothing
    again = begin()
    assert again.replay("epoch", "{}") == b"1.5"
    assert again.replay("accuracy", "{}") is None
    assert (again.records / "mnist_mlp-real.json").exists()


def test_a_replay_is_of_the_same_benchmark_with_the_same_parameters(begin):
    begin().add("epoch", "{}", b"1.5")
    again = begin()
    assert again.replay("epoch", '{"repeat": 9}') is None
    assert again.replay("loss", "{}") is None


def test_each_round_is_replayed_once(begin):
    first = begin()
    first.add("epoch", "{}", b"1.5")
    assert first.replay("epoch", "{}") is None  # the second round is measured, not replayed
    again = begin()
    assert again.replay("epoch", "{}") == b"1.5"
    again.add("epoch", "{}", b"1.5")
    assert again.replay("epoch", "{}") is None


def test_stored_results_are_not_replayed(begin, store):
    journal = begin()
    journal.add("epoch", "{}", b"1.5")
    store(epoch=1.5)
    journal.settle()
    assert begin().replay("epoch", "{}") is None


def test_a_file_that_asv_could_not_finish_is_restored(begin, store, stored, results_dir):
    store(epoch=1.5)
    begin()
    (path,) = results_dir.glob("here/*.json")
    path.write_text('{"commit_hash": "12345')
    begin()
    assert stored() == {"epoch": 1.5}


def test_a_truncated_file_is_restored_when_the_run_ends(begin, store, stored, results_dir):
    store(epoch=1.5)
    journal = begin()
    (path,) = results_dir.glob("here/*.json")
    path.write_text("")
    journal.settle()
    assert stored() == {"epoch": 1.5}


def test_mended_files_are_plain_asv_s(begin, store, results_dir):
    store(epoch=1.5)
    journal = begin()
    store(epoch=None)
    journal.settle()
    (path,) = results_dir.glob("here/*.json")
    assert Results.load(str(path), "here").get_result_value("epoch", []) == [1.5]
    assert json.loads(path.read_text())["version"] == 2
