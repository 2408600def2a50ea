import json
import math
from pathlib import Path

import pytest
from asv.results import Results
from asv.runner import BenchmarkResult

from kasv import results
from kasv.errors import KasvError
from kasv.pages import chart

COMMIT = "0123456789abcdef0123456789abcdef01234567"
VARIABLES = {"KASV_SIZE": "small", "KASV_DEVICE": "cpu", "KASV_THREADS": "1"}
DATA = [["'real'"]]


def write(
    folder: Path, benchmarks: dict, machine: str = "box", record_samples: bool = True
) -> Path:
    """Have asv itself write a result file; `benchmarks` maps names to params and values."""
    file = Results({"machine": machine}, {}, COMMIT, 1, "pinned", "keras", VARIABLES)
    for name, (params, values) in benchmarks.items():
        timed = [isinstance(value, list) for value in values]
        outcome = BenchmarkResult(
            [True if many else value for many, value in zip(timed, values, strict=True)],
            [value if many else None for many, value in zip(timed, values, strict=True)],
            [1 if many else None for many in timed],
            0,
            "",
            None,
        )
        benchmark = {"name": name, "version": "v1", "params": params}
        file.add_result(benchmark, outcome, record_samples=record_samples)
    file.save(str(folder))
    (folder / machine / "machine.json").write_text(json.dumps({"machine": machine, "version": 1}))
    return folder / machine / f"{COMMIT[:8]}-keras.json"


def test_reads_what_asv_writes(tmp_path):
    write(tmp_path, {"mnist_mlp.MnistMlp.time_epoch": (DATA, [[1.0, 2.0, 3.0]])})
    (figure,) = results.load(tmp_path)
    assert (figure.machine, figure.commit, figure.variables) == ("box", COMMIT, VARIABLES)
    assert (figure.model, figure.metric, figure.data) == ("mnist_mlp", "time_epoch", "real")
    assert (figure.value, figure.samples, figure.epoch) == (2.0, (1.0, 2.0, 3.0), None)
    assert (figure.stats.repeat, figure.stats.number, figure.stats.q_25) == (3, 1, 1.5)
    assert figure.version == "v1"
    assert figure.started_at > 0


def test_reads_statistics_without_samples(tmp_path):
    benchmark = {"mnist_mlp.MnistMlp.time_epoch": (DATA, [[1.0, 2.0, 3.0]])}
    write(tmp_path, benchmark, record_samples=False)
    (figure,) = results.load(tmp_path)
    assert figure.samples == ()
    assert figure.stats.ci_99_a < 2.0 < figure.stats.ci_99_b


def test_reads_one_sample_whose_interval_is_infinite(tmp_path):
    write(tmp_path, {"m.M.time_epoch": (DATA, [[1.5]])})
    (figure,) = results.load(tmp_path)
    assert math.isinf(figure.stats.ci_99_b)


def test_tells_failed_from_not_applicable(tmp_path):
    data = [["'real'", "'generated'"]]
    write(tmp_path, {"m.M.track_loss": (data, [None, 0.5]), "m.M.track_x": (data, [math.nan, 1])})
    found = {(f.metric, f.data): f.value for f in results.load(tmp_path)}
    expected = {("track_loss", "real"): None, ("track_loss", "generated"): 0.5}
    assert found == {**expected, ("track_x", "generated"): 1.0}


def test_reads_a_benchmark_that_failed_for_all_its_parameters(tmp_path):
    write(tmp_path, {"m.M.track_loss": (DATA, [None])})
    assert [figure.value for figure in results.load(tmp_path)] == [None]


def test_reads_a_history_by_epoch(tmp_path):
    write(tmp_path, {"m.M.track_history": ([["'real'"], ["1", "2"]], [0.25, 0.5])})
    assert [(f.epoch, f.value) for f in results.load(tmp_path)] == [(1, 0.25), (2, 0.5)]


def test_a_machine_may_have_any_name(tmp_path):
    write(tmp_path, {"m.M.track_loss": (DATA, [1.0])}, machine="<script>")
    assert [figure.machine for figure in results.load(tmp_path)] == ["<script>"]


def test_nothing_in_a_folder_that_is_not_there(tmp_path):
    assert list(results.load(tmp_path / "none")) == []


def spoil(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


COLUMNS = ["result", "params"]
ROW = [[1.0], DATA]


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 3},
        {"commit_hash": "../../etc"},
        {"params": {"machine": "another"}},
        {"params": []},
        {"params": {"machine": "box", "<script>": "1"}},
        {"params": {"machine": "box", "cpu": "\x1b[2J"}},
        {"env_vars": {"<meta>": "1"}},
        {"env_vars": {"KASV_SIZE": "\ud800"}},
        {"env_vars": {"KASV_SIZE": "\x1b[31msmall"}},
        {"date": 10**400},
        {"results": {"m.M.f": [[1e308], DATA]}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [[10**400], DATA]}, "result_columns": COLUMNS},
        {"results": {"m.M.time_epoch": [[1e-310], DATA]}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [[1.0], [["'real'"] * 200] * 3]}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [*ROW, [[1e308]]]}, "result_columns": [*COLUMNS, "samples"]},
        {"results": {"m.M.f": [*ROW, [math.nan]]}, "result_columns": [*COLUMNS, "stats_q_25"]},
        {"results": {"m.M.f": [*ROW, -1]}, "result_columns": [*COLUMNS, "started_at"]},
        {"results": {"m.M.f": ROW}, "result_columns": [[], []]},
        {"env_vars": {"KASV_SIZE": 3}},
        {"results": []},
        {"results": {"m.M.f": [["1.0"], DATA]}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [[True], DATA]}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [[math.inf], DATA]}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [[1.0, 2.0], DATA]}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [[1.0], [["'imagined'"]]]}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [[1.0], [["'real'"], ["one"]]]}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [[1.0], []]}, "result_columns": COLUMNS},
        {"results": {"nodots": ROW}, "result_columns": COLUMNS},
        {"results": {"m.M.<b>": ROW}, "result_columns": COLUMNS},
        {"results": {"m" * 90 + ".f": ROW}, "result_columns": COLUMNS},
        {"results": {"m.M.f": [*ROW, [[math.nan]]]}, "result_columns": [*COLUMNS, "samples"]},
        {"results": {"m.M.f": [*ROW, []]}, "result_columns": [*COLUMNS, "samples"]},
    ],
)
def test_names_a_malformed_file_and_goes_on(tmp_path, caplog, changes):
    spoil(write(tmp_path, {"m.M.track_loss": (DATA, [1.0])}), **changes)
    write(tmp_path, {"m.M.track_loss": (DATA, [2.0])}, machine="other")
    assert [figure.value for figure in results.load(tmp_path)] == [2.0]
    assert "box/01234567-keras.json" in caplog.text


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b"[]", b'{"version": '])
def test_names_a_file_that_is_no_result(tmp_path, content):
    path = write(tmp_path, {"m.M.track_loss": (DATA, [1.0])})
    path.write_bytes(content)
    with pytest.raises(KasvError, match="box/01234567-keras"):
        results.load_file(path)


def test_the_largest_values_can_be_drawn_and_compared(tmp_path):
    write(tmp_path, {"m.M.track_loss": ([["'real'"], ["1", "2"]], [-1e40, 1e40])})
    points = [(float(index), figure.value) for index, figure in enumerate(results.load(tmp_path))]
    assert len(points) == 2
    drawn = chart.draw([chart.Line("jax", points)], "", "", percent=False, by_time=False)
    assert len(drawn.y_ticks) > 1


def test_names_a_machine_that_asv_does_not_know(tmp_path):
    path = write(tmp_path, {"m.M.track_loss": (DATA, [1.0])})
    (path.parent / "machine.json").unlink()
    with pytest.raises(KasvError, match=r"machine\.json"):
        results.load_file(path)


def test_control_characters_do_not_reach_the_message(tmp_path):
    path = write(tmp_path, {"m.M.track_loss": (DATA, [1.0])})
    spoil(path, results={"\x1b[2J": [[1.0], DATA]}, result_columns=COLUMNS)
    with pytest.raises(KasvError) as error:
        results.load_file(path)
    assert str(error.value).isprintable()
