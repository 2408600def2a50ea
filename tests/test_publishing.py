"""The published site is whole at every instant, whatever the results hold and whenever it dies."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import made_results as made
import psutil
import pytest
from faults import fill, gone

from kasv import publishing, releases

KILLS = int(os.environ.get("KASV_KILLS", "4"))

# What asv itself ends with a traceback at, each in a file of its own.
MALFORMED = {
    "null": b"null",
    "number": b"5",
    "byte": b"\xff",
    "utf16": '{"version": 2}'.encode("utf-16"),
    "deep": b"[" * 100_000,
    "torn": b'{"version": 2, "results": {"mnist',
    "digits": b'{"version": 2, "date": ' + b"9" * 5000 + b"}",
}
# What replaces one value of a file that asv wrote.
REPLACED = {
    "infinity": ("date", float("inf")),
    "string": ("date", "yesterday"),
    "params": ("params", []),
    "nothing": ("results", None),
    "columns": ("result_columns", "result"),
    "element": ("env_vars", {'<meta http-equiv="refresh" content="0;url=//x">': "1"}),
    "surrogate": ("env_vars", {"KASV_SIZE": "\ud800"}),
    "escape": ("env_vars", {"KASV_SIZE": "\x1b[2J"}),
    "large": ("results", {"m.M.track_loss": [[1e308], [["'real'"]]]}),
    "text": ("results", {"m.M.track_loss": [["1"], [["'real'"]]]}),
    "row": ("results", {"m.M.track_loss": 1}),
}


def asv(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "asv", "--config", str(project), *arguments]
    return subprocess.run(command, cwd=made.ROOT, capture_output=True, text=True, timeout=300)


def files(site: Path) -> dict[str, int]:
    """Map each file of a site to its size; asv's info.json holds the time of day."""
    found = [path for path in site.rglob("*") if path.is_file()]
    return {str(path.relative_to(site)): path.stat().st_size for path in found}


@pytest.fixture(scope="module")
def project(tmp_path_factory, cache):
    os.environ["KASV_CACHE_DIR"] = str(cache)
    project = made.write_everything(tmp_path_factory.mktemp("project"), each=2)
    made.publish(project)
    return project


@pytest.fixture
def site(project):
    return project.parent / "html"


@pytest.fixture
def machine(project):
    """Return the folder of results; what a test adds to it goes with the test."""
    folder = project.parent / "results" / made.MACHINE
    before = {path: path.read_bytes() for path in folder.parent.rglob("*.json")}
    yield folder
    for path in folder.parent.rglob("*"):
        if path.is_fifo() or (path.is_file() and path not in before):
            path.unlink()
    for path, content in before.items():
        path.write_bytes(content)


def graphs(site: Path) -> set[str]:
    return {name for name in files(site) if name.startswith("graphs/")}


def test_malformed_files_are_named_and_the_rest_is_published(project, site, machine):
    before = graphs(site)
    good = json.loads(next(machine.glob("*-keras-*.json")).read_text())
    for name, content in MALFORMED.items():
        (machine / f"{name}.json").write_bytes(content)
    for name, (field, value) in REPLACED.items():
        (machine / f"{name}.json").write_text(json.dumps({**good, field: value}))
    os.mkfifo(machine / "pipe.json")
    for name, record in (("other", b"null"), ("third", b'{"machine": "third"}')):
        (machine.parent / name).mkdir(exist_ok=True)
        (machine.parent / name / "machine.json").write_bytes(record)
    done = asv(project, "publish")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    for name in (*MALFORMED, *REPLACED, "pipe"):
        assert f"'{made.MACHINE}/{name}.json' is malformed" in said
    assert "'other'/machine.json is malformed" in said
    assert "'third'/machine.json is malformed" in said
    assert "Traceback" not in said
    assert graphs(site) == before


def test_a_malformed_benchmark_is_named_and_left_out(project, site, machine):
    path = machine.parent / "benchmarks.json"
    benchmarks = json.loads(path.read_text())
    broken = {
        "track_first_epoch": None,
        "track_accuracy": [],
        "track_error": {"params": "a"},
        "track_loss": {"params": [["'real'"]], "param_names": ["<img src=x>"]},
        "track_spread": {"unit": "<b>seconds</b>"},
        "track_peak_memory": {"version": 3},
    }
    changed = dict(benchmarks)
    for metric, table in broken.items():
        name = f"mnist_mlp.MnistMlp.{metric}"
        changed[name] = {**benchmarks[name], **table} if isinstance(table, dict) else table
    path.write_text(json.dumps(changed))
    done = asv(project, "publish")
    assert done.returncode == 0, done.stdout + done.stderr
    published = json.loads((site / "index.json").read_text())["benchmarks"]
    for metric in broken:
        assert f"'mnist_mlp.MnistMlp.{metric}' is malformed" in done.stdout + done.stderr
        assert f"mnist_mlp.MnistMlp.{metric}" not in published
    assert len(published) == len(benchmarks) - 1 - len(broken)  # one is the format's version


def test_what_is_not_checked_is_not_published(project, site, machine):
    path = machine.parent / "benchmarks.json"
    benchmarks = json.loads(path.read_text())
    name = "mnist_mlp.MnistMlp.time_epoch"
    benchmarks[name] |= {"pretty_name": "<img src=x onerror=alert(1)>", "evil": "<script>"}
    benchmarks[name]["code"] = "<script>"  # asv's page shows it as HTML
    path.write_text(json.dumps(benchmarks))
    record = machine / "machine.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "<script>": "1"}))
    assert asv(project, "publish").returncode == 0
    text = (site / "index.json").read_text()
    assert name in text
    assert "pretty_name" not in text
    assert "<script" not in text


@pytest.mark.parametrize(
    "content", [None, b"null", b"\xff", b"{", b"[" * 100_000, b'{"version": 1}']
)
def test_without_a_list_of_benchmarks_the_old_site_stays(project, site, machine, content):
    before = files(site)
    path = machine.parent / "benchmarks.json"
    path.unlink() if content is None else path.write_bytes(content)
    done = asv(project, "publish")
    assert done.returncode == 1
    assert "benchmarks.json" in done.stderr + done.stdout
    assert "asv run --bench just-discover" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert files(site) == before


def test_a_full_disk_keeps_the_old_site(project, small_disk):
    site = small_disk / "html"
    site.mkdir()
    (site / "index.html").write_text("old")
    filling = fill(small_disk)
    done = asv(project, "publish", "--html-dir", str(site))
    assert done.returncode == 1
    assert "No space left" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    filling.unlink()
    assert files(site) == {"index.html": 3}
    assert not list(small_disk.glob(".html.pub*"))


def test_the_site_is_whole_while_it_is_published(project, site):
    seen, stop = [], threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append((site / "index.json").exists() and (site / "kasv/index.html").exists())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert asv(project, "publish").returncode == 0
    finally:
        stop.set()
        watcher.join()
    assert len(seen) > 100
    assert all(seen)


def test_killed_anywhere_the_site_is_whole(project, site):
    before = files(site)
    command = [sys.executable, "-m", "asv", "--config", str(project), "publish"]
    started = time.monotonic()
    subprocess.run(command, cwd=made.ROOT, capture_output=True, check=True)
    duration = time.monotonic() - started
    survived = 0
    for moment in range(KILLS):
        signo = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[moment % 3]
        process = subprocess.Popen(
            command, cwd=made.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(random.uniform(0, duration))  # noqa: S311  # a moment, not a secret
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signo)
        process.wait(timeout=300)
        assert gone(children)
        assert files(site).keys() == before.keys()
        survived += 1
    print(f"{survived} of {KILLS} signals survived")
    assert asv(project, "publish").returncode == 0
    assert not list(site.parent.glob(".html.pub*"))


def test_two_renames_cut_in_half_are_undone(tmp_path):
    work, site = tmp_path / ".html.publishing", tmp_path / "html"
    (work / "before").mkdir(parents=True)
    (work / "before" / "index.html").write_text("old")
    publishing._recover(site, work)
    assert (site / "index.html").read_text() == "old"
    assert not work.exists()


def test_folders_are_exchanged(tmp_path):
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    publishing.exchange(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "new").exists()
    assert (tmp_path / "new" / "old").exists()


def test_asvs_other_commands_are_asvs(project):
    release = releases.load(project.parent / "backends")[0]
    done = asv(project, "show", release.tag)
    assert done.returncode == 0
    assert "track_accuracy" in done.stdout


def test_without_a_network_and_a_cache_the_page_has_its_policy(project, tmp_path, monkeypatch):
    monkeypatch.setenv("KASV_CACHE_DIR", str(tmp_path / "cold"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    command = [sys.executable, "-m", "asv", "--config", str(project), "publish"]
    alone = ["unshare", "--map-root-user", "--net", *command, "--html-dir", str(tmp_path / "html")]
    done = subprocess.run(alone, cwd=made.ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "needs internet" in done.stderr
    page = (tmp_path / "html" / "index.html").read_text()
    assert "Content-Security-Policy" in page
    assert "default-src 'none'" in page


def test_the_preview_listens_to_this_machine_alone(tmp_path):
    (tmp_path / "html").mkdir()
    (tmp_path / "Makefile").write_bytes((made.ROOT / "Makefile").read_bytes())
    command = ["make", "--old-file=.venv/installed", f"BIN={Path(sys.executable).parent}"]
    with subprocess.Popen(
        [*command, "preview", "PORT=0"], cwd=tmp_path, stdout=subprocess.PIPE
    ) as process:
        try:
            assert listening(psutil.Process(process.pid)) == {"127.0.0.1"}
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()


def listening(process: psutil.Process) -> set[str]:
    """Wait until a process or a child of it listens; return at which addresses."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connections = [c for one in process.children(recursive=True) for c in one.net_connections()]
        if found := {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}:
            return found
        time.sleep(0.1)
    raise AssertionError
