import statistics

import pytest

from kasv import reference
from kasv.errors import KasvError


def test_every_figure_is_there():
    found = reference.load()
    assert len(found) == 93
    assert {figure.source for figure in found} == set(reference.SOURCES)
    assert {figure.backend for figure in found} == {"tensorflow", "cntk", "theano", "mxnet"}
    assert len({figure.model for figure in found}) == 8


@pytest.mark.parametrize(
    ("hardware", "backend", "seconds"),
    [("GeForce GTX 1080 Ti", "cntk", 1.3), ("Tesla K80 (Azure NC6)", "mxnet", 1.44)],
)
def test_figures_are_as_printed(hardware, backend, seconds):
    found = [f for f in reference.load() if (f.hardware, f.backend) == (hardware, backend)]
    assert [f.seconds_per_epoch for f in found if f.model == "mnist_mlp"] == [seconds]


def test_what_was_not_printed_is_none():
    missing = [f for f in reference.load() if f.seconds_per_epoch is None]
    assert [(f.backend, f.model) for f in missing] == [("theano", "mnist_mlp")]
    assert statistics.mean(f.metric_value is None for f in reference.load()) < 0.1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("310.3", "fast", "seconds_per_epoch"), ("keras-backend-benchmark-2017", "x", "source 'x'")],
)
def test_a_malformed_line_is_named(tmp_path, old, new, said):
    path = tmp_path / "figures.csv"
    path.write_text(reference.FILE.read_text().replace(old, new, 1))
    with pytest.raises(KasvError, match=rf"figures\.csv, line 2: .*{said}"):
        reference.load(path)
