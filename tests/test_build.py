"""An environment is complete or not there at all."""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from conftest import release
from faults import gone
from toy import THIS, Project, make_wheel

from kasv import build
from kasv.errors import KasvError


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Return a function that makes a release which pins `toy`, from a folder of wheels alone."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_NO_INDEX", "1")

    def make(version="1.0", digest=None, python=THIS):
        right = make_wheel(wheels, "toy", version)
        lock = f"toy=={version} --hash=sha256:{digest or right}\n"
        return release("tensorflow-1.3.0", "2017-08-17", lock=lock, python=python)

    return make


def imported(path):
    answer = subprocess.run(
        [path / "bin" / "python", "-c", "import toy; print(toy.version)"],
        capture_output=True,
        check=True,
        text=True,
    )
    return answer.stdout.strip()


def left_in(env_dir):
    return sorted(path.name for path in env_dir.iterdir() if path.is_dir())


def test_it_is_built_once(toy, tmp_path):
    env_dir = tmp_path / "env"
    first = toy()
    path = build.build(first, "cpu", env_dir)
    assert imported(path) == "1.0"
    made = path.stat().st_mtime_ns
    assert build.build(first, "cpu", env_dir) == path
    assert path.stat().st_mtime_ns == made
    assert left_in(env_dir) == ["tensorflow-1.3.0"]


def test_another_lock_replaces_it(toy, tmp_path):
    build.build(toy("1.0"), "cpu", tmp_path / "env")
    assert not build.is_built(toy("2.0"), "cpu", tmp_path / "env")
    assert imported(build.build(toy("2.0"), "cpu", tmp_path / "env")) == "2.0"


def test_a_wrong_hash_leaves_nothing(toy, tmp_path):
    with pytest.raises(KasvError, match=r"tensorflow-1\.3\.0: .*[Hh]ash mismatch.*do not trust"):
        build.build(toy(digest="f" * 64), "cpu", tmp_path / "env")
    assert left_in(tmp_path / "env") == []


def test_a_source_archive_is_built_by_the_locked_tools_alone(toy, tmp_path, monkeypatch):
    archive = tmp_path / "wheels" / "toy-2.0.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.addfile(tarfile.TarInfo("toy-2.0/setup.py"))
    lock = f"toy==2.0 --hash=sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}\n"
    tools = tmp_path / "build_tools.txt"
    tools.write_text(re.sub(r"sha256:\w{8}", "sha256:00000000", build._BUILD_TOOLS.read_text()))
    monkeypatch.setattr(build, "_BUILD_TOOLS", tools)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    wanted = release("tensorflow-1.3.0", "2017-08-17", lock=lock, python=THIS)
    with pytest.raises(KasvError, match=r"[Hh]ash mismatch for `setuptools==59\.6\.0`"):
        build.build(wanted, "cpu", tmp_path / "env")


def test_a_failed_rebuild_keeps_what_was_there(toy, tmp_path):
    path = build.build(toy("1.0"), "cpu", tmp_path / "env")
    with pytest.raises(KasvError):
        build.build(toy("2.0", digest="f" * 64), "cpu", tmp_path / "env")
    assert imported(path) == "1.0"


def test_what_an_interrupted_build_left_is_not_used(toy, tmp_path):
    beside = tmp_path / "env" / ".tensorflow-1.3.0.building"
    beside.mkdir(parents=True)
    (beside / "rubbish").touch()
    path = build.build(toy(), "cpu", tmp_path / "env")
    assert not (path / "rubbish").exists()
    assert left_in(tmp_path / "env") == ["tensorflow-1.3.0"]


def test_no_interpreter_names_the_release_and_the_remedy(toy, tmp_path):
    with pytest.raises(KasvError, match=r"tensorflow-1\.3\.0: no Python 3\.99 found.*get it with"):
        build.build(toy(python="3.99"), "cpu", tmp_path / "env")


def test_a_package_that_cannot_be_had_names_the_release(toy, tmp_path):
    missing = toy()
    (tmp_path / "wheels" / "toy-1.0-py3-none-any.whl").unlink()
    with pytest.raises(KasvError, match=r"tensorflow-1\.3\.0: `uv pip install` failed"):
        build.build(missing, "cpu", tmp_path / "env")


def test_a_folder_that_cannot_be_written_is_named(toy, tmp_path):
    (tmp_path / "env").write_text("a file where the folder belongs")
    with pytest.raises(KasvError, match=r"tensorflow-1\.3\.0: cannot build"):
        build.build(toy(), "cpu", tmp_path / "env")


def test_two_at_once_build_one(toy, tmp_path):
    wanted = toy()
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: build.build(wanted, "cpu", tmp_path / "env"), range(2)))
    assert imported(paths[0]) == imported(paths[1]) == "1.0"


BUILD = """
import sys
from pathlib import Path
from kasv import build, releases
release = releases.load(Path(sys.argv[1]))[0]
print(build.build(release, "cpu", Path(sys.argv[2])))
"""


def test_without_a_network_what_is_in_the_cache_is_enough(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    monkeypatch.setenv("UV_FIND_LINKS", str(project.folder / "wheels"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    backends = str(project.folder / "backends")
    command = [sys.executable, "-c", BUILD, backends]
    alone = ["unshare", "--map-root-user", "--net"]
    cold = subprocess.run(
        [*alone, *command, str(tmp_path / "cold")], capture_output=True, text=True
    )
    assert "check the network" in cold.stderr
    subprocess.run([*command, str(tmp_path / "with")], check=True)
    subprocess.run([*alone, *command, str(tmp_path / "without")], check=True)
    assert (tmp_path / "without" / "tensorflow-0.1" / "bin" / "python").exists()


def test_uv_ends_with_a_killed_build(tmp_path):
    wheel = tmp_path / "toy-1.0-py3-none-any.whl"
    os.mkfifo(wheel)  # uv waits for its content
    code = f"""
from pathlib import Path
from kasv import build
build._uv("pip", "install", "--target", {str(tmp_path / "env")!r}, {str(wheel)!r})
"""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        deadline = time.monotonic() + 60
        while not (children := psutil.Process(process.pid).children(recursive=True)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
    assert gone(children)


@pytest.mark.parametrize(
    ("stderr", "remedy"),
    [
        ("error: No space left on device (os error 28)", "free some disk"),
        ("error: Failed to fetch: `x`\n Caused by: dns error", "check the network"),
        ("hint: Packages were unavailable because the network was disabled.", "fill uv's cache"),
        ("something else", "something else"),
    ],
)
def test_uv_s_words_come_with_a_remedy(stderr, remedy):
    assert remedy in build._explain("pip install", stderr)
