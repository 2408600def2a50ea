"""Conditions are kept beside results, checked when they are read, and shown where they matter."""

import json

import msgspec
import pytest
from asv import results as asv_results

from kasv import checked, conditions, measurements, results
from kasv.conditions import Calibration, Conditions, Session
from kasv.errors import KasvError
from kasv.facts import Facts, Gpu
from kasv.results import Figure

COMMIT = "0123456789" * 4
VARIABLES = {"KASV_SIZE": "small"}
FACTS = Facts("AMD EPYC", "AuthenticAMD family 23 model 1 stepping 2", 2, "0x1", "Linux 6.1")


def calibrated(seconds, numpy="2.4.6"):
    return seconds and Calibration(seconds, numpy)


def session(before=1.0, after=1.0, start=1000, end=2000, **fields):
    return Session(start, end, FACTS, 0.01, calibrated(before), calibrated(after), **fields)


def figure(started_at=1500, **fields):
    known = {"machine": "box", "commit": COMMIT, "variables": VARIABLES, **fields}
    return Figure(
        **known,
        model="m",
        data="real",
        metric="time_epoch",
        epoch=None,
        value=1.0,
        started_at=started_at,
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "box" / f"{COMMIT[:8]}-keras-KASV_SIZEsmall.conditions"


def put(path, *sessions, **fields):
    conditions.write(path, Conditions(path.parent.name, COMMIT, VARIABLES, sessions, **fields))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (1.0, 1.0, False),
        (1.0, 1.049, False),
        (1.0, 1.051, True),
        (1.049, 1.0, False),
        (1.051, 1.0, True),
        (None, 1.0, False),
        (1.0, None, False),
        (None, None, False),
    ],
)
def test_more_than_5_percent_have_moved_in_either_direction(before, after, expected):
    assert conditions.moved(calibrated(before), calibrated(after)) is expected
    assert session(before, after).mark == ("machine moved" if expected else "")


def test_what_different_numpys_took_says_nothing_of_the_machine():
    assert not conditions.moved(calibrated(1.0), calibrated(2.0, "2.5.0"))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (session(), session(), ""),
        (session(), session(1.1, 1.1), "machine 10% slower after"),
        (session(1.1, 1.1), session(), "machine 10% slower before"),
        (session(1.0, 1.04), session(), ""),  # by the middle of start and end
        (session(), session(None, 1.2), "machine 20% slower after"),
        (session(), session(None, None), ""),
        (session(), None, ""),
    ],
)
def test_the_note_of_a_comparison(before, after, said):
    assert conditions.note(before, after) == said


def test_a_figure_finds_the_session_that_it_was_measured_in(path):
    put(path, session(), session(start=5000, end=6000))
    known = conditions.load(path.parent.parent)
    assert known.of(figure(1000)).started_at == 1000
    assert known.of(figure(6000)).started_at == 5000
    for unknown in (999, 3000, 6001, None):
        assert known.of(figure(unknown)) is None
    assert known.of(figure(machine="other")) is None
    assert known.of(figure(variables={"KASV_SIZE": "full"})) is None
    assert known.of(figure(commit="f" * 40)) is None
    assert known.of(None) is None


def test_what_is_written_is_read_back(path):
    facts = msgspec.structs.replace(
        FACTS, governor="performance", megahertz=2000.5, gpus=(Gpu("A10", "GPU-1", "550"),)
    )
    one = msgspec.structs.replace(session(None), facts=facts, steal=None)
    put(path, one)
    assert conditions.read(path).sessions == (one,)
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_asv_and_kasv_pass_conditions_over(path, caplog):
    put(path, session())
    (path.parent / "machine.json").write_text('{"machine": "box", "version": 1}')
    results_dir = path.parent.parent
    assert list(asv_results.iter_results(str(results_dir))) == []
    assert list(results.load(results_dir)) == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"machine": "box"',
        b" " * 1_000_001,
        {"machine": "other"},
        {"machine": "../box"},
        {"commit": "fedcba98" * 5},
        {"commit": "no"},
        {"variables": {"": "x"}},
        {"variables": [1]},
        {"version": 2},
        {"sessions": [{}]},
        {"sessions": [{"started_at": -1}]},
        {"sessions": None},
        {"steal": 2.0},
        {"steal": "much"},
        {"before": {"seconds": 0.0, "numpy": "2"}},
        {"before": {"seconds": -1.0, "numpy": "2"}},
        {"before": {"seconds": 1e300, "numpy": "2"}},
        {"before": 1.0},
        {"after": {"seconds": 1.0, "numpy": "2" * 201}},
        {"started_at": 2**60},
        {"facts": {}},
        {"facts": None},
    ],
)
def test_malformed_files_are_named_and_left_out(path, content):
    put(path, session())
    if isinstance(content, dict):
        whole = json.loads(path.read_bytes())
        (one,) = whole["sessions"]
        for key, value in content.items():
            (one if key in one else whole)[key] = value
        content = json.dumps(whole).encode()
    path.write_bytes(content)
    with pytest.raises(KasvError, match=r"box/01234567.*malformed"):
        conditions.read(path)
    assert conditions.load(path.parent.parent).of(figure()) is None


def test_too_many_sessions(path):
    put(path, *[session()] * 101)
    with pytest.raises(KasvError, match="length"):
        conditions.read(path)


@pytest.mark.parametrize(("after", "marks"), [(1.0, ()), (1.1, (conditions.MARK,))])
def test_a_step_time_bears_the_mark_of_a_machine_that_moved(path, after, marks):
    put(path, session(after=after))
    step = msgspec.structs.replace(figure(), metric="track_step_time")
    known = conditions.load(path.parents[1])
    (commits,) = measurements.collect([step], known).values()
    (training,) = commits[COMMIT].values()
    assert training.step_marks == marks
    assert set(marks) <= measurements.MARKS.keys()


def test_publishing_takes_along_what_is_well_formed(path):
    put(path, session())
    broken = path.with_name(f"{COMMIT[:8]}-other.conditions")
    broken.write_text("{")
    (path.parent / "machine.json").write_text('{"machine": "box", "version": 1}')
    (path.parents[1] / "benchmarks.json").write_text('{"version": 2}')
    target = path.parents[2] / "copy"
    checked.copy(path.parents[1], target)
    assert [copied.name for copied in target.glob("*/*.conditions")] == [path.name]
