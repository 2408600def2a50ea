"""Locks are resolved as of a day, hold what can be installed, and are written in one form."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import made_index
import msgspec
import pytest

from kasv import index, interpreters, lock, releases
from kasv.errors import KasvError
from kasv.releases import BACKENDS, FOLDER, Gpu, Override, Release

PYLOCK = (Path(__file__).parent / "resources" / "pylock.toml").read_text(encoding="utf-8")
PYTHON = "{}.{}".format(*sys.version_info[:2])


@pytest.fixture
def made(monkeypatch):
    index.files.cache_clear()
    made = made_index.Index()
    with made_index.served(made) as address:
        monkeypatch.setenv("UV_DEFAULT_INDEX", address)
        monkeypatch.setenv("UV_NO_CACHE", "1")
        yield made
    index.files.cache_clear()


def release(*requires: str, day: str = "2020-06-15", **fields: object) -> Release:
    return msgspec.convert(
        {
            "tag": "torch-1.0",
            "version": "1.0",
            "date": datetime.fromisoformat(f"{day}T08:00:00").replace(tzinfo=UTC),
            "python": PYTHON,
            "keras": "3.0.5",
            "requires": requires,
            "lock": "",
            **fields,
        },
        Release,
    )


def resolve(wanted: Release, device: str = "cpu") -> str:
    return lock.resolve(wanted, Path(sys.executable), device)


def test_a_lock_stands_as_of_the_end_of_its_day(made):
    made.add("torch", "1.0", "2020-06-15", "numpy")
    today = made.add("numpy", "1.18.5", "2020-06-15")
    made.add("numpy", "1.19.0", "2020-06-16")
    made.add("numpy", "1.17.0", "2020-01-01")
    text = resolve(release("torch==1.0"))
    assert f"numpy==1.18.5 --hash=sha256:{today}\n" in text
    assert [line.partition("==")[0] for line in text.splitlines()] == [
        "asv-runner",
        "numpy",
        "torch",
    ]


def test_a_lock_is_the_same_again_whatever_was_uploaded_since(made):
    made.add("torch", "1.0", "2020-06-15", "numpy")
    made.add("numpy", "1.18.5", "2020-06-01")
    before = resolve(release("torch==1.0"))
    made.add("numpy", "1.18.6", "2020-06-20")
    assert resolve(release("torch==1.0")) == before


def test_an_override_wins_over_what_packages_ask_for(made):
    made.add("torch", "1.0", "2020-06-15", "h5py>=3", "keras")
    made.add("h5py", "2.10", "2019-09-06")
    made.add("h5py", "3.0", "2020-06-01")
    overrides = [Override("h5py<3", "why"), Override('keras; python_version < "3"', "why")]
    text = resolve(release("torch==1.0", overrides=overrides))
    assert "h5py==2.10 " in text
    assert "keras" not in text


def test_what_only_a_gpu_needs_is_left_out_for_a_cpu(made):
    made.add("torch", "1.0", "2020-06-15", "triton", "nvidia-cudnn")
    made.add("triton", "2.0", "2020-06-01")
    made.add("nvidia-cudnn", "9.0", "2020-06-01")
    gpu = Gpu(requires=["torch==1.0"], cuda="10.2", cudnn="7.6", lock="")
    wanted = release("torch==1.0", gpu=gpu)
    assert "triton" not in resolve(wanted)
    assert "nvidia-cudnn==9.0" in resolve(wanted)
    assert "triton==2.0" in resolve(wanted, "gpu")


def test_a_gpu_build_may_come_days_later_but_what_it_needs_may_not(made):
    made.add("torch", "1.0", "2020-06-15")
    made.add("torch-gpu", "1.0", "2020-06-18", "numpy")
    made.add("numpy", "1.18.5", "2020-06-01")
    made.add("numpy", "1.18.6", "2020-06-16")
    gpu = Gpu(requires=["torch-gpu==1.0"], cuda="10.2", cudnn="7.6", lock="")
    text = resolve(release("torch==1.0", gpu=gpu), "gpu")
    assert "torch-gpu==1.0 " in text
    assert "numpy==1.18.5 " in text


def test_a_release_without_a_gpu_form_has_no_gpu_lock():
    with pytest.raises(KasvError, match=r"torch-1\.0 has no table `gpu`"):
        resolve(release("torch==1.0"), "gpu")


def test_no_solution_is_told_in_uvs_words(made):
    made.add("torch", "1.0", "2020-06-16")
    with pytest.raises(
        KasvError, match=r"(?s)torch-1\.0: no lock for cpu as of 2020-06-15;.*torch"
    ):
        resolve(release("torch==1.0"))


def test_an_index_that_is_away_is_told(monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(KasvError, match=r"(?s)torch-1\.0: no lock.*127\.0\.0\.1:9"):
        resolve(release("torch==1.0"))


def test_the_runner_comes_with_its_backports_only_where_python_has_none(made):
    made.add("torch", "1.0", "2020-06-15")
    names = set(resolve(release("torch==1.0")).split())
    assert "asv-runner==0.3.2" in names
    assert "importlib-metadata==4.8.3" not in names
    old = {r.tag: r.pins() for r in releases.load_file(FOLDER / "theano.toml")}["theano-1.0.5"]
    assert {"asv-runner", "importlib-metadata", "typing-extensions", "zipp"} <= old.keys()


def test_parse_keeps_the_files_that_can_be_installed():
    assert lock.parse(PYLOCK, "3.6") == {
        "h5py": "h5py==2.10.0 --hash=sha256:"
        "d3c59549f90a891691991c17f8e58c8544060fdf3ccdea267100fa5f561ff62f",
        "protobuf": "protobuf==3.4.0 --hash=sha256:"
        "41c4555d9754b985352ce5289fa3ba6b21ed715f595111e46e2b90ca53112475 --hash=sha256:"
        "4d4815467f8a61b06d648699842b233017b201f7a16275d680ec5480f10e30e9",
        "pyyaml": "pyyaml==3.13 --hash=sha256:"
        "3ef3092145e9b70e3ddd2c7ad59bdd0252a94dfe3949721633e41344de00a6bf",
        "torch": "torch==2.13.0+cpu --hash=sha256:"
        "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "pyyaml"', 'name = "../pyyaml"'),
        ('name = "pyyaml"', "name = 3"),
        ('version = "3.13"', 'version = "3.13; rm"'),
        ('sha256 = "3ef309', 'sha256 = "zzz309'),
        ('sha256 = "3ef309', 'md5 = "3ef309'),
        ("PyYAML-3.13.tar.gz", "PyYAML-3.13.tar.gz\n"),
        ('sdist = { url = "https://files.example.org/PyYAML', 'archive = { url = "https://PyYAML'),
        ("[[packages]]", "[[package]]"),
        ("[[packages]]", "[packages]"),
    ],
)
def test_parse_refuses_what_is_not_a_lock(old, new):
    assert old in PYLOCK
    with pytest.raises(ValueError, match=r"."):
        lock.parse(PYLOCK.replace(old, new), "3.6")


@pytest.mark.parametrize("backend", BACKENDS)
def test_writing_what_was_read_changes_nothing(backend, tmp_path):
    held = releases.load_file(FOLDER / f"{backend}.toml")
    lock.write(backend, reversed(held), tmp_path)
    written = (tmp_path / f"{backend}.toml").read_bytes()
    assert written == (FOLDER / f"{backend}.toml").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [f"{backend}.toml"]


def test_every_field_survives_writing(tmp_path):
    pins = "asv-runner==0.3.2", "numpy==1.19.5"
    text = "".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in pins)
    gpu = Gpu(["torch==1.0"], "13.0", "9.2", text, [Override("a<1", 'it is "broken"')])
    every = release(
        "torch==1.0",
        lock=text,
        gpu=gpu,
        reports="1.0a",
        unroll=True,
        keras_module="tensorflow.keras",
        overrides=[Override('b; python_version < "3"', "so \\ it's")],
    )
    lock.write("torch", [every], tmp_path)
    assert releases.load_file(tmp_path / "torch.toml") == (every,)


@pytest.mark.environment
@pytest.mark.parametrize(
    "tag", ["tensorflow-1.3.0", "cntk-2.6", "mxnet-1.2.1", "jax-0.10.2-keras-3.15.1"]
)
def test_a_release_resolves_to_its_lock_again(tag):
    backend = tag.partition("-")[0]
    held = {r.tag: r for r in releases.load_file(FOLDER / f"{backend}.toml")}[tag]
    interpreter = Path(interpreters.find(held.python).executable)
    assert lock.resolve(held, interpreter) == held.lock
    if held.gpu:
        assert lock.resolve(held, interpreter, "gpu") == held.gpu.lock
