"""What is new is found by version; what is added is locked, written, and not new again."""

import sys
from pathlib import Path

import made_index
import msgspec
import pytest

from kasv import growth, index, lock, releases
from kasv.errors import KasvError
from kasv.releases import FOLDER, Gpu, Release

PYTHON = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture
def made(monkeypatch):
    """Serve an index on which Keras 3.0 and jax 0.4.1 are held and newer ones are new."""
    index.files.cache_clear()
    made = made_index.Index()
    made.add("numpy", "1.26.0", "2023-01-01")
    made.add("jax", "0.4.1", "2023-10-01", "numpy")
    made.add("jax", "0.4.2", "2024-03-05", "numpy")
    made.add("jax", "0.4.3", "2024-04-05", "numpy")
    for version, day in (
        ("2.15.0", "2023-11-07"),
        ("3.0.0", "2023-11-28"),
        ("3.0.5", "2024-02-14"),
        ("3.1.0", "2024-03-18"),
        ("3.1.1", "2024-03-19"),
        ("3.2.0", "2024-04-08"),
        ("3.3.0rc0", "2024-04-20"),
    ):
        made.add("keras", version, day, "numpy")
    with made_index.served(made) as address:
        monkeypatch.setenv("UV_DEFAULT_INDEX", address)
        monkeypatch.setenv("UV_NO_CACHE", "1")
        yield made
    index.files.cache_clear()


def held(tag: str, *requires: str, **fields: object) -> Release:
    version = tag.split("-")[1]
    pins = "".join(f"{pin}==1 --hash=sha256:{'0' * 64}\n" for pin in ("asv-runner", "numpy"))
    known = {
        "tag": tag,
        "version": version,
        "date": "2023-11-28T12:00:00Z",
        "python": PYTHON,
        "keras": "3.0.0",
        "requires": requires,
        "lock": pins,
    }
    return msgspec.convert(known | fields, Release)


JAX = held("jax-0.4.1-keras-3.0.0", "jax==0.4.1", "keras==3.0.0")


def test_each_new_minor_of_keras_3_gets_the_backend_of_its_day(made):
    found = growth.find_new("jax", [JAX])
    assert [release.tag for release in found] == [
        "jax-0.4.1-keras-3.0.5",
        "jax-0.4.2-keras-3.1.1",
        "jax-0.4.3-keras-3.2.0",
    ]
    assert found[1].requires == ["jax==0.4.2", "keras==3.1.1"]
    assert (found[1].version, found[1].keras) == ("0.4.2", "3.1.1")
    assert f"{found[1].date:%Y-%m-%d}" == "2024-03-19"
    assert found[1].lock == ""


def test_each_new_minor_of_tensorflow_gets_the_keras_of_its_day(made):
    made.add("tensorflow-cpu", "2.16.1", "2024-03-09")
    made.add("tensorflow-cpu", "2.16.2", "2024-03-28")
    made.add("tensorflow-cpu", "2.17.0rc0", "2024-04-28")
    gpu = Gpu(["tensorflow[and-cuda]==2.15.1", "keras==3.0.0", "six"], "12.2", "8.9", "")
    newest = held("tensorflow-2.15.1", "tensorflow-cpu==2.15.1", "keras==3.0.0", gpu=gpu)
    (found,) = growth.find_new("tensorflow", [newest])
    assert found.tag == "tensorflow-2.16.2"
    assert found.requires == ["tensorflow-cpu==2.16.2", "keras==3.1.1"]
    assert found.gpu
    assert found.gpu.requires == ["tensorflow[and-cuda]==2.16.2", "keras==3.1.1", "six"]


def test_a_keras_pinned_before_3_is_kept_and_not_followed(made):
    made.add("cntk", "2.7", "2019-04-19")
    made.add("cntk", "2.8", "2030-01-01")
    pair = [
        held("cntk-2.7", "cntk==2.7", "keras==2.2.4", keras="2.2.4"),
        held("cntk-2.7-keras-2.2.2", "cntk==2.7", "keras==2.2.2", keras="2.2.2"),
    ]
    (found,) = growth.find_new("cntk", pair)
    assert (found.tag, found.keras) == ("cntk-2.8", "2.2.2")
    assert found.requires == ["cntk==2.8", "keras==2.2.2"]


def test_other_backends_keep_their_keras(made):
    made.add("theano", "1.0.5", "2020-07-27")
    made.add("theano", "1.1.0", "2030-01-01")
    newest = held("theano-1.0.5", "theano==1.0.5", "keras==2.3.1", "setuptools", keras="2.3.1")
    (found,) = growth.find_new("theano", [newest])
    assert found.requires == ["theano==1.1.0", "keras==2.3.1", "setuptools"]


def test_a_cpu_build_from_elsewhere_is_followed_by_the_indexs_own(made):
    made.add("torch", "2.2.0", "2024-01-30")
    newest = held("torch-2.1.0-keras-3.1.1", "torch==2.1.0+cpu", "keras==3.1.1", keras="3.1.1")
    (found,) = growth.find_new("torch", [newest])
    assert found.requires == ["torch==2.2.0", "keras==3.2.0"]


def test_nothing_is_new_where_nothing_is_held(made):
    assert growth.find_new("jax", []) == []


def test_an_index_without_the_backend_of_that_day_is_doubted(made):
    made.projects["jax"] = made.projects["jax"][2:]
    with pytest.raises(KasvError, match=r"no jax for Python .* as of 2024-02-14"):
        growth.find_new("jax", [JAX])


def test_update_adds_with_locks_and_then_finds_nothing(made, tmp_path):
    lock.write("jax", [JAX], tmp_path)
    assert len(growth.check(tmp_path)) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["jax.toml"]
    added = growth.update(tmp_path)
    assert [line.split()[1] for line in added] == [
        "jax-0.4.1-keras-3.0.5",
        "jax-0.4.2-keras-3.1.1",
        "jax-0.4.3-keras-3.2.0",
    ]
    written = releases.load_file(tmp_path / "jax.toml")
    assert written[0] == JAX
    assert written[-1].pins() | {"asv-runner": "-"} == {
        "asv-runner": "-",
        "jax": "0.4.3",
        "keras": "3.2.0",
        "numpy": "1.26.0",
    }
    assert growth.check(tmp_path) == growth.update(tmp_path) == []


def test_a_lock_that_brings_cuda_along_states_it(made):
    for name, version in (("nvidia-cuda-runtime-cu12", "12.5.82"), ("nvidia-cudnn-cu12", "9.3.0")):
        made.add(name, version, "2024-01-01")
    made.add("jax-cuda", "0.4.1", "2023-10-01", "nvidia-cuda-runtime-cu12", "nvidia-cudnn-cu12")
    made.add("numpy", "1.25.0", "2022-01-01")
    gpu = Gpu(["jax-cuda==0.4.1", "numpy"], "11.8", "8.6", "")
    locked = growth.locked(msgspec.structs.replace(JAX, date=JAX.date.replace(2025), gpu=gpu))
    assert locked.gpu
    assert (locked.gpu.cuda, locked.gpu.cudnn) == ("12.5", "9.3")


def test_an_unreachable_index_is_an_error_and_changes_nothing(monkeypatch, tmp_path):
    index.files.cache_clear()
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    lock.write("jax", [JAX], tmp_path)
    before = (tmp_path / "jax.toml").read_bytes()
    with pytest.raises(KasvError, match="did not answer"):
        growth.update(tmp_path)
    assert (tmp_path / "jax.toml").read_bytes() == before


@pytest.mark.environment
def test_a_release_taken_away_comes_back_as_it_was(tmp_path):
    index.files.cache_clear()
    path = FOLDER / "jax.toml"
    lock.write("jax", releases.load_file(path)[:-1], tmp_path)
    assert growth.update(tmp_path)
    held_again = releases.load_file(Path(tmp_path) / "jax.toml")
    newest = releases.load_file(path)[-1]
    assert newest in held_again
