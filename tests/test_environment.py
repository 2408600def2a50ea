"""The environment types do what asv's users expect, in real runs of asv on a small project."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest
from asv.config import Config
from asv.environment import EnvironmentUnavailable, get_environments
from faults import fill, gone
from toy import Project

from kasv import conditions, facts, machines, plugin, results

assert plugin  # importing it registers the types


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Make a project whose environments are built once for this module."""
    project = Project(tmp_path_factory.mktemp("project"))
    assert project.asv("machine", "--yes")[0] == 0
    return project


@pytest.fixture
def sessions(project):
    """Return a function that reads the sessions of the only release with conditions."""

    def read():
        (path,) = project.folder.glob("results/*/*.conditions")
        return conditions.read(path).sessions

    return read


@pytest.fixture
def project(machine, monkeypatch, cache):
    """Give each test the project without results."""
    monkeypatch.setenv("KASV_CACHE_DIR", str(cache))
    for path in machine.folder.glob("results/*/*-keras-*"):
        path.unlink()
    (machine.folder / "benchmarks" / "runs").unlink(missing_ok=True)
    (machine.folder / "benchmarks" / "waiting").unlink(missing_ok=True)
    machine.order(accuracy=0.5)
    return machine


def configuration(**fields):
    conf = Config.load("asv.conf.json")
    conf.__dict__.update(fields)
    return conf


@pytest.mark.parametrize(
    ("types", "branches"),
    [
        (["cntk"], ["cntk"]),
        (["theano", "cntk"], ["cntk", "theano"]),
        (["cntk", "cntk"], ["cntk"]),
        (["cntk", "keras"], ["tensorflow", "cntk", "theano", "mxnet", "jax", "torch"]),
        (["keras", "cntk"], ["tensorflow", "cntk", "theano", "mxnet", "jax", "torch"]),
        ([], ["tensorflow", "cntk", "theano", "mxnet", "jax", "torch"]),
    ],
)
def test_several_types_measure_each_release_once(types, branches):
    conf = configuration()
    (environment,) = get_environments(conf, types)
    assert conf.branches == branches
    assert list(environment.backends) == branches


def test_the_matrix_is_part_of_the_name_and_the_backend_is_not():
    (cntk,) = get_environments(configuration(), ["cntk"])
    (theano,) = get_environments(configuration(), ["theano"])
    assert cntk.name == theano.name == "keras-KASV_DEVICEcpu-KASV_SIZEsmall-KASV_THREADS1"


def test_each_point_of_the_matrix_is_an_environment():
    conf = configuration(matrix={"env_nobuild": {"KASV_SIZE": ["small", "full"]}})
    names = [environment.name for environment in get_environments(conf, ["cntk", "theano"])]
    assert names == ["keras-KASV_SIZEsmall", "keras-KASV_SIZEfull"]


@pytest.mark.parametrize("choice", [{"python": "3.6"}, {"requirements": {"numpy": "1"}}])
def test_releases_pin_everything(choice):
    arguments = {"python": "pinned", "requirements": {}, **choice}
    with pytest.raises(EnvironmentUnavailable, match="its releases pin everything"):
        plugin.environment.Cntk(configuration(), tagged_env_vars={}, **arguments)


def test_the_newest_release_of_each_branch_and_a_missing_interpreter(project):
    status, output = project.asv("run")
    assert status == 2
    assert project.runs() == ["tensorflow-0.2"]
    assert output.count("theano-0.2: no Python 3.99 found") == 1
    assert len(project.measured()) == 1  # nothing is stored of what could not be built


def test_one_type_measures_its_backend_only(project):
    status, _ = project.asv("run", "--environment", "tensorflow", "ALL")
    assert status == 0
    assert project.runs() == ["tensorflow-0.2", "tensorflow-0.1"]


def test_several_types_and_a_range(project):
    status, _ = project.asv(
        "run", "-E", "theano", "-E", "tensorflow", "tensorflow-0.1^! theano-0.1^!"
    )
    assert status == 0
    assert sorted(project.runs()) == ["tensorflow-0.1", "theano-0.1"]


def test_parallel_installation_runs_each_in_its_own_release(project):
    status, _ = project.asv("run", "--parallel", "2", "-E", "tensorflow", "ALL")
    assert status == 0
    assert project.runs() == ["tensorflow-0.2", "tensorflow-0.1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "-E", "theano", "tensorflow-0.1^!"], "use --environment tensorflow or keras"),
        (["run", "tensorflow-0.3^!"], "did you mean tensorflow-0.2"),
        (["run", "--merges", "cntk"], "unrecognized arguments"),
        (["run", "-E", "cntk-2.7"], "Unknown environment type"),
        (["run", "-E", "theano", "TAGS"], "as its range TAGS does"),
        (["run", "--launch-method", "forkserver", "tensorflow-0.1^!"], "leave out forkserver"),
    ],
)
def test_bad_input_is_named_and_loses_nothing(project, arguments, said):
    project.asv("run", "tensorflow-0.1^!")
    before = project.measured()
    status, output = project.asv(*arguments)
    assert status != 0
    assert said in output
    assert "Traceback" not in output
    assert project.measured() == before


def test_a_failure_keeps_what_was_measured(project):
    project.asv("run", "tensorflow-0.1^!")
    project.order(nothing=True)
    status, _ = project.asv("run", "tensorflow-0.1^!")
    assert status == 2
    (values,) = project.measured().values()
    assert values["track_accuracy"] == [0.5]


def test_without_the_data_the_benchmark_fails_with_its_reason(project, monkeypatch, tmp_path):
    (tmp_path / "mnist.npz").write_text("not the digits")
    monkeypatch.setenv("KASV_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KASV_CACHE_DIR", str(tmp_path / "cache"))
    status, output = project.asv("run", "tensorflow-0.1^!")
    assert status == 2
    assert "mnist.npz" in output


def test_quick_runs_are_not_saved(project):
    status, _ = project.asv("run", "--quick", "tensorflow-0.1^!")
    assert status == 0
    assert project.measured() == {}


def test_after_an_interruption_the_next_run_goes_on(project):
    project.order(accuracy=0.5, wait=True)
    process = project.start("run", "-E", "tensorflow", "ALL")
    project.wait()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0, output
    assert project.runs() == ["tensorflow-0.2"]

    project.order(accuracy=0.9)
    status, _ = project.asv("run", "-k", "-E", "tensorflow", "ALL")
    assert status == 0
    assert project.runs() == ["tensorflow-0.2", "tensorflow-0.1"]
    accuracies = [values["track_accuracy"] for values in project.measured().values()]
    assert sorted(accuracies) == [[0.5], [0.9]]  # the first is the interrupted run's


def test_killed_while_measuring_the_next_run_goes_on(project):
    project.order(accuracy=0.5, wait=True)
    process = project.start("run", "tensorflow-0.1^!")
    project.wait()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)
    project.order(accuracy=0.9)
    assert project.asv("run", "tensorflow-0.1^!")[0] == 0
    (values,) = project.measured().values()
    assert values["track_accuracy"] == [0.5]


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_running_and_the_next_run_goes_on(project, signo):
    project.order(accuracy=0.5, wait=True)
    process = project.start("run", "tensorflow-0.1^!")
    project.wait()
    children = psutil.Process(process.pid).children(recursive=True)
    assert any("benchmark.py" in " ".join(child.cmdline()) for child in children)
    os.kill(process.pid, signo)  # it alone, not its group
    assert gone([*children, psutil.Process(process.pid)])
    process.communicate(timeout=300)
    project.order(accuracy=0.9)
    assert project.asv("run", "tensorflow-0.1^!")[0] == 0
    (values,) = project.measured().values()
    assert values["track_accuracy"] == [0.5]


def test_another_machine_s_results_survive_a_killed_quick_run(project):
    project.asv("run", "tensorflow-0.1^!")
    (path,) = project.folder.glob("results/*/*-keras-*.json")
    project.order(accuracy=0.9, wait=True)
    process = project.start("run", "--quick", "tensorflow-0.1^!")
    project.wait()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)
    arrived = project.folder / "results" / "other" / path.name
    arrived.parent.mkdir()
    content = path.read_text().replace(f'"{path.parent.name}"', '"other"')
    arrived.write_text(content)
    arrived.with_name("machine.json").write_text('{"machine": "other", "version": 1}')
    before = path.read_bytes()
    project.order(accuracy=0.7)
    assert project.asv("run", "tensorflow-0.2^!")[0] == 0
    assert path.read_bytes() == before
    assert project.asv("run", "tensorflow-0.1^!")[0] == 0
    assert arrived.read_text() == content
    assert json.loads(path.read_text())["results"]["toy.Toy.track_accuracy"][0] == [0.7]
    shutil.rmtree(arrived.parent)


def test_a_disk_that_is_full_when_asv_stores_loses_nothing(project, small_disk):
    lent = project.folder / "env" / ".lent"
    shutil.rmtree(lent, ignore_errors=True)
    lent.parent.mkdir(exist_ok=True)
    lent.symlink_to(small_disk)
    project.order(accuracy=0.5, wait=True, seconds=3)
    process = project.start("run", "tensorflow-0.1^!")
    project.wait()
    filling = fill(small_disk)
    output, _ = process.communicate(timeout=300)
    assert "No space left" in output
    assert "Traceback" not in output
    assert process.returncode == 1
    filling.unlink()
    project.order(accuracy=0.9)
    assert project.asv("run", "tensorflow-0.1^!")[0] == 0
    assert project.runs() == ["tensorflow-0.1"]
    (values,) = project.measured().values()
    assert values["track_accuracy"] == [0.5]
    lent.unlink()


def test_results_that_cannot_be_written_are_named(project):
    results = project.folder / "results"
    project.asv("run", "--bench", "just-discover")
    if os.geteuid():
        pytest.skip("making a folder read-only for everybody needs root")
    subprocess.run(["mount", "--bind", str(results), str(results)], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", str(results)], check=True)
    try:
        status, output = project.asv("run", "tensorflow-0.1^!")
    finally:
        subprocess.run(["umount", str(results)], check=True)
    assert status == 1
    assert "machine.json: Read-only file system" in output
    assert "Traceback" not in output


def test_continuous_compares_what_it_ran(project):
    status, output = project.asv(
        "continuous", "-E", "tensorflow", "tensorflow-0.1", "tensorflow-0.2"
    )
    assert "BENCHMARKS NOT SIGNIFICANTLY CHANGED" in output
    assert status == 0
    assert len(project.measured()) == 2


def test_two_runs_at_once_are_refused(project):
    project.order(accuracy=0.5, wait=True)
    process = project.start("run", "tensorflow-0.1^!")
    project.wait()
    status, output = project.asv("run", "tensorflow-0.2^!")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)
    assert status == 1
    assert "another run is measuring" in output


def test_prune_refuses_while_a_run_measures(project):
    project.order(accuracy=0.5, wait=True)
    process = project.start("run", "tensorflow-0.1^!")
    project.wait()
    kasv = str(Path(sys.executable).with_name("kasv"))
    done = subprocess.run([kasv, "prune"], cwd=project.folder, capture_output=True, text=True)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)
    assert done.returncode == 2
    assert "another run is measuring" in done.stderr
    assert (project.folder / "env" / "tensorflow-0.1").is_dir()


def test_compare_and_show_take_tags(project):
    project.asv("run", "-E", "tensorflow", "ALL")
    status, output = project.asv("compare", "tensorflow-0.1", "tensorflow-0.2")
    assert status == 0
    assert "toy.Toy.time_epoch('real')" in output
    assert "toy.Toy.track_accuracy" in project.asv("show", "tensorflow-0.1")[1]


def test_publish_draws_one_line_a_branch(project):
    project.asv("run", "-E", "tensorflow", "ALL")
    project.asv("run", "theano-0.1^!")
    status, output = project.asv("publish")
    assert status == 0, output
    graphs = project.folder / "html" / "graphs"
    assert {path.name for path in graphs.glob("**/branch-*")} == {
        "branch-tensorflow",
        "branch-theano",
    }


def test_the_conditions_lie_beside_the_results(project, sessions):
    assert project.asv("run", "tensorflow-0.1^!")[0] == 0
    (session,) = sessions()
    assert session.facts.processor == machines._here().cpu
    assert session.facts.cpuid == facts.this_cpuid()
    assert None not in (session.before, session.after)
    assert session.steal is None or 0 <= session.steal <= 1
    known = conditions.load(project.folder / "results")
    found = [known.of(figure) for figure in results.load(project.folder / "results")]
    assert found == [session] * 3  # of each benchmark
    (folder,) = {path.parent for path in project.folder.glob("results/*/*.conditions")}
    assert {path.suffix for path in folder.iterdir()} == {".json", ".conditions"}


def test_what_is_measured_again_has_conditions_of_its_own(project, sessions):
    project.asv("run", "tensorflow-0.1^!")
    (first,) = sessions()
    project.asv("run", "--bench", "track_loss", "tensorflow-0.1^!")
    kept, latest = sessions()
    assert kept == first
    assert latest.started_at > first.ended_at
    known = conditions.load(project.folder / "results")
    measured = {f.metric: known.of(f) for f in results.load(project.folder / "results")}
    assert measured == {"time_epoch": first, "track_accuracy": first, "track_loss": latest}
    project.asv("run", "tensorflow-0.1^!")
    assert len(sessions()) == 1  # no row is left of the others


def test_each_release_has_its_conditions(project):
    assert project.asv("run", "-E", "tensorflow", "ALL")[0] == 0
    paths = sorted(project.folder.glob("results/*/*.conditions"))
    (a,), (b,) = (conditions.read(path).sessions for path in paths)
    assert min(a.ended_at, b.ended_at) <= max(a.started_at, b.started_at)


def test_without_results_there_are_no_conditions(project):
    assert project.asv("run", "--quick", "tensorflow-0.1^!")[0] == 0
    assert not list(project.folder.glob("results/*/*.conditions*"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_session_goes_on_after_an_interruption(project, sessions, how):
    project.order(accuracy=0.5, wait=True)
    process = project.start("run", "tensorflow-0.1^!")
    project.wait()
    os.killpg(process.pid, how)
    process.communicate(timeout=300)
    assert not list(project.folder.glob("results/*/*.conditions*"))  # nor half of one
    (begun,) = project.folder.glob("env/*/sessions/*.json")
    before = json.loads(begun.read_bytes())
    project.order(accuracy=0.9)
    assert project.asv("run", "tensorflow-0.1^!")[0] == 0
    (session,) = sessions()
    assert session.started_at == before["started_at"]
    assert msgspec.to_builtins(session.before) == before["before"]
    assert not list(project.folder.glob("env/*/sessions/*"))


@pytest.mark.parametrize(("field", "value"), [("cpu", "Other"), ("num_cpu", "99")])
def test_on_another_processor_nothing_is_measured(project, field, value):
    path = project.folder / "home" / ".asv-machine.json"
    saved = path.read_text()
    known = json.loads(saved)
    for record in known.values():
        if isinstance(record, dict):
            record[field] = value
    path.write_text(json.dumps(known))
    try:
        status, output = project.asv("run", "tensorflow-0.1^!")
    finally:
        path.write_text(saved)
    assert status == 1
    assert "`kasv machine` names this machine anew" in output
    assert "Traceback" not in output
    assert project.runs() == []
    assert project.measured() == {}
