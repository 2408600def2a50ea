"""One table says what every metric is, and everything else follows it."""

import json
import re
from pathlib import Path

import made_results as made
import pytest

from benchmarks.mnist_mlp import MnistMlp
from kasv import metrics, releases
from kasv.metrics import METRICS

ROOT = Path(__file__).parents[1]


def suites() -> dict[str, str]:
    """Map each `track_` function of a model to its unit."""
    names = (name for name in dir(MnistMlp) if name.startswith("track_"))
    return {name: getattr(MnistMlp, name).unit for name in names if name != "track_history"}


def test_the_table_has_every_metric_of_the_suite():
    found = suites()
    assert len(found) >= 10
    assert {name: METRICS[name].unit for name in found} == found


@pytest.mark.parametrize("name", ["asv.conf.json", "asv.gpu.conf.json"])
def test_asvs_configuration_lists_the_regressions_that_the_table_says(name):
    ((pattern, first),) = json.loads((ROOT / name).read_text())["regressions_first_commits"].items()
    assert first is None
    for metric in [*METRICS, "track_history", "track_of_tomorrow"]:
        listed = metric in METRICS and METRICS[metric].in_regressions
        entry = f"mnist_mlp.MnistMlp.{metric}('real')@cntk"
        assert bool(re.match(pattern, entry)) != listed, metric


def test_asv_lists_only_what_is_worse_when_it_rises(tmp_path):
    """In the made history all times rise by half, a published epoch's too."""
    made.write_releases(tmp_path / "backends", each=8, backends=["cntk"])
    for release in releases.load(tmp_path / "backends"):
        made.write_result(tmp_path / "results", release)
    made.write_benchmarks(tmp_path / "results")
    project = made.write_project(tmp_path, branches=["cntk"])
    html = made.publish(project)
    found = json.loads((html / "regressions.json").read_text())["regressions"]
    names = {entry[0].partition("(")[0].rpartition(".")[2] for entry in found}
    assert names == {"time_epoch", "track_step_time", "track_first_epoch"}


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("track_step_time", 0.00731, "7.31 ms"),
        ("time_epoch", 0.6666, "0.667 s"),
        ("track_peak_memory", 1.5e9, "1,500 MB"),
        ("track_accuracy", 0.9234, "92.3%"),
        ("track_loss", 1.5, "1.500"),
        ("track_gpu_energy", 12.0, "12.0 J"),
        ("track_deviation", 2.5e-7, "2.5e-07"),
        ("track_samples_per_second", 1234.5, "1,234"),
    ],
)
def test_a_value_is_written_in_its_metrics_unit(metric, value, text):
    assert metrics.text(value, metric) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01234, "0.0123"), (0.6123, "0.612"), (1.444, "1.44"), (31.25, "31.2"), (1630.3, "1,630")],
)
def test_numbers_have_three_digits(value, text):
    assert metrics.digits(value) == text


@pytest.mark.parametrize(("ratio", "text"), [(1.04, "1.0x"), (3.14, "3.1x"), (1234.5, "1,234x")])
def test_factors(ratio, text):
    assert metrics.factor(ratio) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(1.5, "+50.0%"), (0.75, "-25.0%"), (1.0001, "+0.0%"), (2.5, "2.5x")]
)
def test_changes(ratio, text):
    assert metrics.change(ratio) == text
