"""What was measured is never lost to an interruption, a failure, a quick run or a full disk."""

import json
import math

import pytest
from asv import util
from asv.results import Results
from asv.runner import BenchmarkResult
from faults import fill

from kasv.journal import Journal, is_quick, put_back

COMMIT = "1234567890" * 4
NAME = "keras-KASV_SIZEsmall"
BENCHMARK = {"name": "", "version": "1", "params": [["'real'", "'generated'"]]}
EPOCH, ACCURACY = "m.M.time_epoch", "m.M.track_accuracy"


class Run:
    """A run of asv: its journal, and what asv does with the results that it is lent."""

    def __init__(self, folder, results_dir):
        self.lent = folder / "lent"
        self.journal = Journal(folder / "journal", COMMIT, NAME, results_dir, self.lent)
        self.journal.recover()
        self.journal.lend()
        self.results = Results({"machine": "here"}, {}, COMMIT, 1, "pinned", NAME, {})
        self.results.load_data(str(self.lent))
        self.journal.begin()

    def measure(self, name, *values):
        """Run a benchmark for each of its parameters; None is a failure."""
        for number, value in enumerate(values):
            answer = None if value is None else json.dumps(value).encode()
            self.journal.add(f"{name}-{number}", "suite", "{}", answer)
        nothing = [None] * len(values)
        answer = BenchmarkResult(list(values), nothing, list(nothing), 0, "", None)
        self.results.add_result({**BENCHMARK, "name": name}, answer)

    def store(self):
        """Store as asv does once the last benchmark is through."""
        self.results.save(str(self.lent))

    def end(self):
        self.store()
        self.journal.settle()


@pytest.fixture
def results_dir(tmp_path):
    for machine in ("here", "other"):
        folder = tmp_path / "results" / machine
        folder.mkdir(parents=True)
        (folder / "machine.json").write_text(json.dumps({"machine": machine, "version": 1}))
    return tmp_path / "results"


@pytest.fixture
def begin(tmp_path, results_dir):
    """Return a function that begins a run, as a new process would."""
    return lambda: Run(tmp_path, results_dir)


@pytest.fixture
def stored(results_dir):
    def read():
        (path,) = results_dir.glob(f"here/{COMMIT[:8]}-*.json")
        found = Results.load(str(path), "here")
        return {name: found.get_result_value(name, BENCHMARK["params"]) for name in found._results}

    return read


@pytest.fixture
def measured(begin):
    """Measure both benchmarks and store them."""
    run = begin()
    run.measure(EPOCH, 1.5, 2.5)
    run.measure(ACCURACY, 0.9, 0.8)
    run.end()


def replayed(run, name, number=0, parameters="{}"):
    return run.journal.replay(f"{name}-{number}", "suite", parameters)


def test_what_asv_stores_is_taken_over(measured, stored, begin):
    run = begin()
    run.measure(EPOCH, 1.25, 2.25)
    run.end()
    assert stored() == {EPOCH: [1.25, 2.25], ACCURACY: [0.9, 0.8]}
    assert not run.journal.folder.exists()


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_a_failure_and_nan_put_back_what_was_measured(measured, begin, stored, nothing):
    run = begin()
    run.measure(EPOCH, nothing, nothing)
    run.measure(ACCURACY, 0.7, nothing)
    run.end()
    assert stored() == {EPOCH: [1.5, 2.5], ACCURACY: [0.7, 0.8]}


def test_a_failure_where_nothing_was_measured_stands(begin, stored):
    run = begin()
    run.measure(EPOCH, None, None)
    run.end()
    assert stored() == {EPOCH: [None, None]}


def test_samples_and_statistics_are_put_back_with_their_value():
    earlier = {"result": [1, 2], "params": [], "version": "1", "samples": [[1], [2]]}
    later = {"result": [3, None], "params": [], "version": "1", "samples": [[3], None]}
    assert put_back(earlier, later) == {**later, "result": [3, 2], "samples": [[3], [2]]}
    assert put_back(earlier, {**later, "version": "2"}) == {**later, "version": "2"}


def test_a_release_that_cannot_be_built_leaves_the_file_as_it_was(
    measured, begin, stored, results_dir
):
    (path,) = results_dir.glob("here/1*.json")
    before = path.read_bytes()
    run = begin()
    nothing = BenchmarkResult([None, None], [None, None], [None, None], 1, "", None)
    run.results.add_result({**BENCHMARK, "name": EPOCH}, nothing)  # as skip_benchmarks does
    run.end()
    assert path.read_bytes() == before


def test_an_interrupted_run_s_finished_benchmarks_are_replayed(begin):
    run = begin()
    assert replayed(run, EPOCH) is None
    run.measure(EPOCH, 1.5, 2.5)
    run.measure(ACCURACY, None)
    (run.journal.records / "m-real.json").write_text("{}")
    run.journal.settle()  # asv stored nothing
    again = begin()
    assert replayed(again, EPOCH) == b"1.5"
    assert replayed(again, EPOCH, 1) == b"2.5"
    assert replayed(again, ACCURACY) is None
    assert replayed(again, EPOCH, parameters='{"repeat": 9}') is None
    assert again.journal.replay(f"{EPOCH}-0", "another suite", "{}") is None
    assert (again.journal.records / "m-real.json").exists()


def test_each_round_is_replayed_once(begin):
    first = begin()
    first.measure(EPOCH, 1.5)
    assert replayed(first, EPOCH) is None  # the second round is measured, not replayed
    again = begin()
    assert replayed(again, EPOCH) == b"1.5"
    again.measure(EPOCH, 1.5)
    assert replayed(again, EPOCH) is None


def test_a_run_of_other_benchmarks_keeps_an_interrupted_run_s(begin, stored):
    begin().measure(EPOCH, 1.5, 2.5)
    other = begin()
    other.measure(ACCURACY, 0.9, 0.8)
    other.end()
    assert stored() == {ACCURACY: [0.9, 0.8]}
    assert replayed(begin(), EPOCH) == b"1.5"
    assert replayed(begin(), ACCURACY) is None


def test_killed_after_asv_stored_the_next_run_takes_it_over(begin, stored):
    run = begin()
    run.measure(EPOCH, 1.5, 2.5)
    run.store()
    again = begin()
    assert stored() == {EPOCH: [1.5, 2.5]}
    assert replayed(again, EPOCH) is None


def test_a_file_that_asv_could_not_finish_loses_nothing(measured, begin, stored):
    run = begin()
    run.measure(EPOCH, 1.25, 2.25)
    run.store()
    (path,) = run.lent.glob("here/1*.json")
    path.write_text(path.read_text()[:-20])
    run.journal.settle()
    assert stored() == {EPOCH: [1.5, 2.5], ACCURACY: [0.9, 0.8]}
    again = begin()
    assert replayed(again, EPOCH) == b"1.25"
    again.measure(EPOCH, 1.25, 2.25)
    again.end()
    assert stored()[EPOCH] == [1.25, 2.25]


def test_another_machine_s_results_stay(measured, begin, results_dir):
    (path,) = results_dir.glob("here/1*.json")
    run = begin()  # killed, and the results of another machine arrive
    content = path.read_text().replace('"here"', '"other"')
    arrived = path.parent.parent / "other" / path.name
    arrived.write_text(content)
    again = begin()
    again.measure(EPOCH, None, 3.5)
    again.end()
    assert arrived.read_text() == content
    assert run


def test_a_newer_file_of_this_machine_s_stays(measured, begin, results_dir, stored):
    begin().measure(EPOCH, 1.25, 2.25)  # killed, and this machine's own newer file arrives
    (path,) = results_dir.glob("here/1*.json")
    newer = path.read_text().replace("0.9", "0.95")
    path.write_text(newer)
    again = begin()
    assert path.read_text() == newer
    again.measure(EPOCH, 1.25, 2.25)
    again.end()
    assert stored() == {EPOCH: [1.25, 2.25], ACCURACY: [0.95, 0.8]}


@pytest.mark.parametrize("content", ["", "null", "[" * 100_000, '{"results": {"a": 1}}', "\ud800"])
def test_a_malformed_file_is_set_aside(measured, begin, stored, results_dir, content):
    (path,) = results_dir.glob("here/1*.json")
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    run = begin()
    run.measure(EPOCH, 1.25, 2.25)
    run.end()
    assert stored() == {EPOCH: [1.25, 2.25]}
    assert len(list(path.parent.glob("*.malformed"))) == 1


def test_a_full_disk_of_results_loses_nothing(tmp_path, small_disk, begin):
    results_dir = small_disk / "results"
    (results_dir / "here").mkdir(parents=True)
    (results_dir / "here" / "machine.json").write_text('{"machine": "here", "version": 1}')
    filling = fill(small_disk)
    run = Run(tmp_path, results_dir)
    run.measure(EPOCH, 1.5, 2.5)
    with pytest.raises(OSError, match="No space left"):
        run.end()
    assert not list(results_dir.glob("here/1*"))
    filling.unlink()
    again = Run(tmp_path, results_dir)
    assert len(list(results_dir.glob("here/1*.json"))) == 1
    assert replayed(again, EPOCH) is None


def test_a_full_disk_of_asv_s_own_files_loses_nothing(tmp_path, small_disk, results_dir, stored):
    run = Run(small_disk, results_dir)
    run.measure(EPOCH, 1.5, 2.5)
    filling = fill(small_disk)
    with pytest.raises(OSError, match="No space left"):
        run.store()
    assert [path.stat().st_size for path in run.lent.glob("here/1*.json")] == [0]
    run.journal.settle()
    assert not list(results_dir.glob("here/1*"))
    filling.unlink()
    again = Run(small_disk, results_dir)
    assert replayed(again, EPOCH) == b"1.5"
    again.measure(EPOCH, 1.5, 2.5)
    again.end()
    assert stored() == {EPOCH: [1.5, 2.5]}


def test_files_are_plain_asv_s(measured, results_dir):
    (path,) = results_dir.glob("here/1*.json")
    content = util.load_json(str(path), 2)
    assert list(content) == [
        *("commit_hash", "env_name", "date", "params", "python", "requirements", "env_vars"),
        *("result_columns", "results", "durations"),
    ]
    assert isinstance(content["results"][EPOCH], list)


def test_a_quick_run_is_told_by_what_it_asks():
    asked = {"number": 1, "repeat": 1, "warmup_time": 0, "rounds": 1}
    assert is_quick(json.dumps(asked))
    assert not is_quick(json.dumps({**asked, "repeat": 2}))
    assert not is_quick("[]")
