"""Environments are built side by side, diagnosed and pruned."""

import os
import signal
import subprocess
import sys

import pytest
from filelock import FileLock
from toy import THIS, Project

from kasv import build, fleet, releases
from kasv.errors import KasvError


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """Return the small releases, as if they were the committed ones, and a folder for them."""
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    monkeypatch.setenv("UV_FIND_LINKS", str(project.folder / "wheels"))
    found = releases.load(project.folder / "backends")
    monkeypatch.setattr(releases, "load", lambda: found)
    return {release.tag: release for release in found}, tmp_path / "env"


def test_names_are_tags_branches_and_ranges():
    tags = [release.tag for release in fleet.select(["cntk-2.6", "mxnet-0.11.0^!"])]
    assert tags == ["mxnet-0.11.0", "cntk-2.6"]
    assert {release.backend for release in fleet.select(["cntk"])} == {"cntk"}
    assert len(fleet.select([])) == len(releases.load())


def test_what_fails_does_not_stop_the_rest(toys, capsys):
    known, env_dir = toys
    failed = fleet.build_all(known.values(), "cpu", env_dir, 2)
    assert list(failed) == ["theano-0.2"]
    assert isinstance(failed["theano-0.2"], KasvError)
    assert build.is_built(known["tensorflow-0.1"], "cpu", env_dir)
    assert "4/4" in capsys.readouterr().err


def test_the_diagnosis_names_what_is_missing(toys):
    known, env_dir = toys
    build.build(known["tensorflow-0.1"], "cpu", env_dir)
    lines = fleet.diagnose(known.values(), "cpu", env_dir).splitlines()
    said = {line.split()[0]: line for line in lines[2:]}
    assert said["tensorflow-0.1"].split() == ["tensorflow-0.1", "yes"]
    assert "`asv run` builds it first" in said["tensorflow-0.2"]
    assert "no Python 3.99 found" in said["theano-0.2"]


def test_a_compiler_is_looked_for(toys, monkeypatch, tmp_path):
    known, env_dir = toys
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / f"python{THIS}").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert "no C++ compiler" in fleet.diagnose([known["theano-0.1"]], "cpu", env_dir)


def test_without_a_gpu_lock_it_says_so(toys):
    known, env_dir = toys
    assert "has no lock for a GPU" in fleet.diagnose([known["theano-0.1"]], "gpu", env_dir)


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Put a stand-in of nvidia-smi on PATH."""
    script = tmp_path / "bin" / "nvidia-smi"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")


def on_gpu(tag, tmp_path):
    """Return a GPU's diagnosis by a process of its own: LD_LIBRARY_PATH is read at its start."""
    script = "import sys, pathlib; from kasv import fleet; print(fleet.diagnose("
    script += "fleet.select([sys.argv[1]]), 'gpu', pathlib.Path(sys.argv[2])))"
    command = [sys.executable, "-c", script, tag, str(tmp_path / "env")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_without_a_driver_it_names_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    said = on_gpu("tensorflow-1.14.0", tmp_path)
    assert "no nvidia-smi on PATH" in said
    assert "CUDA 10.0 and cuDNN 7.4" in said


@pytest.mark.parametrize(
    ("tag", "library"),
    [("tensorflow-1.14.0", "libcudart.so.10.0"), ("mxnet-1.9.1", "libcudart.so.11.0")],
)
@pytest.mark.usefixtures("driver")
def test_cuda_is_looked_for_where_no_wheel_brings_it(tag, library, tmp_path, monkeypatch):
    assert f"{library} cannot be loaded" in on_gpu(tag, tmp_path)
    subprocess.run(["cc", "-shared", "-x", "c", os.devnull, "-o", tmp_path / library], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert "cannot be loaded" not in on_gpu(tag, tmp_path)


@pytest.mark.parametrize("tag", ["cntk-2.7", "torch-2.2.0-keras-3.0.5"])
@pytest.mark.usefixtures("driver")
def test_wheels_that_bring_cuda_need_the_driver_alone(tag, tmp_path):
    assert "libcudart" not in on_gpu(tag, tmp_path)


def test_prune_removes_only_what_no_release_names(toys, monkeypatch):
    known, env_dir = toys
    kept = build.build(known["tensorflow-0.1"], "cpu", env_dir)
    gone = build.build(known["tensorflow-0.2"], "cpu", env_dir)
    (env_dir / "keras-KASV_SIZEsmall").mkdir()  # asv's own state
    monkeypatch.setattr(releases, "load", lambda: (known["tensorflow-0.1"],))
    assert fleet.prune(env_dir) == [gone]
    assert kept.exists()
    assert (env_dir / "keras-KASV_SIZEsmall").exists()


def test_prune_waits_for_no_run_but_says_so(toys):
    _, env_dir = toys
    env_dir.mkdir()
    code = f"""
import time
from pathlib import Path
from kasv import build
build.reserve(Path({str(env_dir)!r}))
print("reserved", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as run:
        run.stdout.readline()
        with pytest.raises(KasvError, match="another run is measuring"):
            fleet.prune(env_dir)
        run.kill()
    assert fleet.prune(env_dir) == []


def test_prune_removes_what_a_killed_build_left_and_no_build_that_goes_on(toys):
    known, env_dir = toys
    release = known["tensorflow-0.1"]
    code = f"""
import os, signal
from pathlib import Path
from kasv import build, releases
build._marker = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
build.is_built = lambda *_: False
release = releases.load(Path({str(env_dir.parent / "project" / "backends")!r}))[0]
build.build(release, "cpu", Path({str(env_dir)!r}))
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    beside = env_dir / ".tensorflow-0.1.building"
    assert beside.is_dir()
    with FileLock(env_dir / ".tensorflow-0.1.lock"):
        assert fleet.prune(env_dir) == []
    assert fleet.prune(env_dir) == [beside]
    assert build.build(release, "cpu", env_dir).is_dir()
