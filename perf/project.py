"""An asv project of our own for a measurement: this repository's configuration, other folders.

Each script of this folder measures with the real `asv run`, in environments of kasv's own, built
under `build/perf/env` from the locks and kept for the next time. The suite is a copy, so that a
script can add to it what the suite must not hold.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from kasv import build, datasets, machines, releases, results, suite
from kasv.releases import Release
from kasv.results import Figure

ROOT = Path(__file__).parent.parent
TWIN = ".again"  # what a release's twin is called

# A benchmark beside a model's own: `samples(training, data)` of the script is what it measures.
_INSIDE = """
from . import {model} as suite


class Inside:
    dataset = "{dataset}"
    params = suite.{name}.params
    timeout = 36000

    def setup(self, data):
        suite.{name}().setup(data)

    def track_samples(self, data):
        return {{"samples": samples(suite.{name}(), data), "number": 1}}


"""


class Project:
    """A folder under `build/perf/` with an `asv.conf.json`, a copy of the suite, and releases."""

    def __init__(
        self, name: str, tags: Iterable[str], suite_dir: Path = ROOT / "benchmarks"
    ) -> None:
        self.folder = ROOT / "build" / "perf" / name
        self.suite = self.folder / "benchmarks"
        self.results = self.folder / "results"
        self.releases = self.folder / "backends"
        self.environments = ROOT / "build" / "perf" / "env"
        # A journal would have asv go on with what an interrupted script has measured.
        journals = self.environments.glob("*/journal")
        for folder in (self.suite, self.results, self.releases, *journals):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(suite_dir, self.suite, ignore=shutil.ignore_patterns("__pycache__"))
        self._configure()
        self._write_releases(tags)
        machines.register(None, self.results)

    def _configure(self) -> None:
        configuration = json.loads((ROOT / "asv.conf.json").read_bytes())
        configuration.update(
            repo=str(self.releases),
            benchmark_dir=str(self.suite),
            results_dir=str(self.results),
            env_dir=str(self.environments),
        )
        (self.folder / "asv.conf.json").write_text(json.dumps(configuration))

    def _write_releases(self, tags: Iterable[str]) -> None:
        """Write the releases with these tags; one that ends in `TWIN` copies the other's lock."""
        self.releases.mkdir()
        for tag in tags:
            original = tag.removesuffix(TWIN)
            name = f"{tag.partition('-')[0]}.toml"
            text = (ROOT / "kasv" / "backends" / name).read_text(encoding="utf-8")
            tables = re.split(r'^(?=\[")', text, flags=re.MULTILINE)
            copied = [t.replace(original, tag, 1) for t in tables if t.startswith(f'["{original}"')]
            with (self.releases / name).open("a", encoding="utf-8") as file:
                file.writelines(copied)

    def build(self, models: Iterable[str]) -> None:
        """Build the environments and decode the data ahead, so that no measurement includes it."""
        for release in self.read_releases():
            build.build(release, "cpu", self.environments)
        for model in models:
            datasets.ensure(suite.dataset(self.suite, model))

    def read_releases(self) -> tuple[Release, ...]:
        """Return the project's releases."""
        return releases.load(self.releases)

    def run(self, *arguments: str) -> float:
        """Call `asv run`; return its seconds."""
        return self._call(sys.executable, "-m", "asv", "run", *arguments)

    def interleave(self, before: str, after: str, model: str, rounds: int) -> float:
        """Call `kasv interleave`; return its seconds."""
        kasv = str(Path(sys.executable).with_name("kasv"))
        options = (f"--model={model}", f"--rounds={rounds}")
        return self._call(kasv, "interleave", before, after, *options)

    def _call(self, *command: str) -> float:
        start = time.perf_counter()
        answer = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if answer.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{answer.stdout}\n{answer.stderr}")
        return time.perf_counter() - start

    def add_inside(self, model: str, source: str) -> None:
        """Add a benchmark of a model to the suite's copy.

        `source` defines `samples(training, data)`, which returns the floats that `measure_inside`
        is to return; `training` is the model's benchmark, not yet begun.
        """
        name, dataset = _class_of(self.suite / f"{model}.py")
        text = _INSIDE.format(model=model, name=name, dataset=dataset) + source
        (self.suite / f"inside_{model}.py").write_text(text, encoding="utf-8")

    def measure_inside(self, tag: str, model: str) -> list[float]:
        """Run what `add_inside` added on a release, through `asv run`; return its samples."""
        self.run("--record-samples", rf"--bench=^inside_{model}\.", f"{tag}^!")
        (commit,) = [r.commit for r in self.read_releases() if r.tag == tag]
        return [
            sample
            for figure in self.figures()
            if figure.commit == commit and figure.model == f"inside_{model}"
            for sample in figure.samples
        ]

    def figures(self) -> list[Figure]:
        """Return what was measured."""
        return list(results.load(self.results))


def _class_of(path: Path) -> tuple[str, str]:
    """Return the name and the data set of the benchmark class in a module of the suite."""
    for node in ast.parse(path.read_bytes()).body:
        for line in node.body if isinstance(node, ast.ClassDef) else []:
            match line:
                case ast.Assign([ast.Name("dataset")], ast.Constant(str(dataset))):
                    return node.name, dataset
    sys.exit(f"{path} holds no model")
