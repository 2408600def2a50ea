"""A small project for tests of the asv side: real `asv run`, environments of seconds, no Keras.

Its releases pin asv's real runner and an empty package called numpy, and its one benchmark class
answers at once, fails or waits, as a file beside it says.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
RUNNER = (
    "asv-runner==0.3.2 "
    "--hash=sha256:b4a4360abe63d64cd0ab4a28377b56ff4e2c13b6760bd0c8062feb4a6a5642fb"
)

SUITE = """
import json, os, time

HERE = os.path.dirname(os.path.abspath(__file__))

def orders():
    with open(os.path.join(HERE, "orders.json")) as file:
        return json.load(file)

class Toy:
    dataset = "mnist"
    params = [["real"]]
    param_names = ["data"]
    version = "1"
    number, repeat, warmup_time = 1, 2, 0

    def time_epoch(self, data):
        time.sleep(0.001)

    def track_accuracy(self, data):
        with open(os.path.join(HERE, "runs"), "a") as file:
            file.write(json.loads(os.environ["KASV_RELEASE"])["tag"] + "\\n")
        return orders()["accuracy"]

    def track_loss(self, data):
        if orders().get("wait"):
            open(os.path.join(HERE, "waiting"), "w").close()
            time.sleep(orders().get("seconds", 60))
        return 0.25
"""


def make_wheel(folder: Path, name: str, version: str) -> str:
    """Write a wheel with one module; return its sha256."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", f"version = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Project:
    """A checkout of its own with releases, a suite and results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("wheels", "backends", "benchmarks", "home", "data"):
            (folder / name).mkdir()
        self.numpy = make_wheel(folder / "wheels", "numpy", "0.0.1")
        self._releases()
        (folder / "benchmarks" / "__init__.py").touch()
        (folder / "benchmarks" / "toy.py").write_text(SUITE, encoding="utf-8")
        self.order(accuracy=0.5)
        self._configure()

    def _releases(self) -> None:
        self.add("tensorflow-0.1", "2017-01-01")
        self.add("tensorflow-0.2", "2018-01-01")
        self.add("theano-0.1", "2017-06-01")
        self.add("theano-0.2", "2018-06-01", python="3.99")

    def add(self, tag: str, date: str, python: str = THIS) -> None:
        """Append a release to its backend's file."""
        backend, _, version = tag.partition("-")
        text = f"""
["{tag}"]
version = "{version}"
date = {date}T00:00:00Z
python = "{python}"
keras = "2.0.8"
requires = []
lock = '''
{RUNNER}
numpy==0.0.1 --hash=sha256:{self.numpy}
'''
"""
        with (self.folder / "backends" / f"{backend}.toml").open("a", encoding="utf-8") as file:
            file.write(text)

    def _configure(self) -> None:
        configuration = json.loads(Path("asv.conf.json").read_text(encoding="utf-8"))
        configuration |= {"repo": "backends", "branches": ["tensorflow", "theano"]}
        (self.folder / "asv.conf.json").write_text(json.dumps(configuration), encoding="utf-8")

    def order(self, **orders: object) -> None:
        """Tell the suite what to answer."""
        path = self.folder / "benchmarks" / "orders.json"
        path.write_text(json.dumps(orders), encoding="utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start asv in this project."""
        environment = {
            **os.environ,
            "HOME": str(self.folder / "home"),
            "UV_FIND_LINKS": str(self.folder / "wheels"),
            "COLUMNS": "200",
        }
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("asv")), *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # a test runner in the background ignores SIGINT, and its children would
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def asv(self, *arguments: str) -> tuple[int, str]:
        """Run asv to its end; return its exit status and what it printed."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output

    def wait(self) -> None:
        """Wait until a benchmark waits."""
        deadline = time.monotonic() + 300
        while not (self.folder / "benchmarks" / "waiting").exists():
            assert time.monotonic() < deadline, "no benchmark came to its waiting"
            time.sleep(0.1)

    def measured(self) -> dict[str, dict[str, float | None]]:
        """Map each release with a result file to its benchmarks' values."""
        found = {}
        for path in self.folder.glob("results/*/*-keras-*.json"):
            data = json.loads(path.read_text(encoding="utf-8"))
            values = {name.rpartition(".")[2]: row[0] for name, row in data["results"].items()}
            found[data["commit_hash"]] = values
        return found

    def runs(self) -> list[str]:
        """Return the tag of each release whose accuracy was measured, in that order."""
        path = self.folder / "benchmarks" / "runs"
        return path.read_text(encoding="utf-8").split() if path.exists() else []
