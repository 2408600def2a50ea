"""`kasv interleave` measures two releases in turns, by real runs of asv on a small project."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from toy import Project

ROOT = Path(__file__).parents[1]
SUITE = """
import json, os, time
from . import turns

HERE = os.path.dirname(os.path.abspath(__file__))

class Toy:
    dataset = "mnist"
    params = [["real"]]
    param_names = ["data"]
    version = "1"
    number, repeat, warmup_time = 1, 2, 0
    turns = None

    def time_epoch(self, data):
        tag = json.loads(os.environ["KASV_RELEASE"])["tag"]
        if tag == os.environ.get("TOY_FAILS"):
            raise RuntimeError("it does not train")
        if self.turns is None:
            self.turns = turns.Turns(os.environ.get("KASV_TURNS", ""), "toy")
        self.turns.wait()
        start = time.time()
        time.sleep(0.06 if tag == "tensorflow-0.2" else 0.02)
        with open(os.path.join(HERE, "epochs"), "a") as file:
            file.write(json.dumps([tag, start, time.time()]) + "\\n")

    def track_step_time(self, data):
        # two blocks an epoch, of all rounds in the order in which they ran
        if "TOY_FAILS" in os.environ:
            raise RuntimeError("the training failed, as the real suite's record would say")
        tag = json.loads(os.environ["KASV_RELEASE"])["tag"]
        with open(os.path.join(HERE, "epochs")) as file:
            epochs = [line for line in map(json.loads, file) if line[0] == tag]
        samples = [(end - start) / 10 for _, start, end in epochs for _ in range(2)]
        return {"samples": samples, "number": 1}

    track_step_time.unit = "seconds"

    def teardown(self, data):
        if self.turns is not None:
            self.turns.done()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Make a project whose trainings take turns."""
    project = Project(tmp_path_factory.mktemp("project"))
    (project.folder / "benchmarks" / "toy.py").write_text(SUITE, encoding="utf-8")
    shutil.copy(ROOT / "benchmarks" / "turns.py", project.folder / "benchmarks")
    assert project.asv("machine", "--yes")[0] == 0
    return project


def kasv(project, *arguments, **variables):
    """Run kasv in the project; return its exit status and what it printed."""
    answer = subprocess.run(
        [Path(sys.executable).with_name("kasv"), *arguments],
        cwd=project.folder,
        env={
            **os.environ,
            "HOME": str(project.folder / "home"),
            "UV_FIND_LINKS": str(project.folder / "wheels"),
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return answer.returncode, answer.stdout


@pytest.fixture(autouse=True)
def cached(monkeypatch, cache):
    monkeypatch.setenv("KASV_CACHE_DIR", str(cache))


def test_epochs_take_turns_and_compare_pairs_them(project):
    status, output = kasv(project, "interleave", "tensorflow-0.1", "tensorflow-0.2", "--rounds=3")
    assert status == 0, output
    text = (project.folder / "benchmarks" / "epochs").read_text(encoding="utf-8")
    epochs = sorted((json.loads(line) for line in text.splitlines()), key=lambda epoch: epoch[1])
    assert len(epochs) == 2 * 3 * 16
    assert all(a[0] != b[0] for a, b in itertools.pairwise(epochs[:16]))
    assert all(a[2] <= b[1] for a, b in itertools.pairwise(epochs))
    status, output = kasv(project, "compare", "tensorflow-0.1", "tensorflow-0.2", "--json")
    assert status == 1
    (comparison,) = json.loads(output)
    verdicts = {row["metric"]: row["verdict"] for row in comparison["rows"]}
    assert verdicts == {"track_step_time": "worse", "time_epoch": "worse"}
    assert comparison["mean_verdict"] == "worse"


def test_where_one_fails_neither_is_measured(project):
    before = project.measured()
    status, output = kasv(
        project, "interleave", "tensorflow-0.1", "tensorflow-0.2", TOY_FAILS="tensorflow-0.2"
    )
    assert status == 2
    assert "asv run tensorflow-0.1^! failed" in output
    assert "the other release's toy has ended first" in output
    assert project.measured() == before


def test_an_unknown_model_is_named(project):
    arguments = ("tensorflow-0.1", "tensorflow-0.2", "--model=mnist")
    status, output = kasv(project, "interleave", *arguments)
    assert status == 2
    assert "no model mnist; there are toy" in output


def test_a_release_is_not_compared_with_itself(project):
    status, output = kasv(project, "interleave", "tensorflow-0.1", "tensorflow-0.1")
    assert status == 2
    assert "tensorflow-0.1 cannot be compared with itself" in output
    assert project.runs() == []
