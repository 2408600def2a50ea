"""Compute the same-work proof's reference: what float64 makes of each model's 20 steps.

    python perf/reference.py                 # all models
    python perf/reference.py mnist_mlp       # some, the others stay as they are

writes `benchmarks/reference.json`: a model's weights' shapes, a hash of all that the numbers follow
from, and the probe's predictions after 20 steps by plain gradient descent (`descent`), by the
model's own optimizer as of Keras 2.0.8 (`optimizer`) and by its known other formula (`variant`).
Beside them it prints how far the 20 steps move the predictions, and how far float32 ends from
float64: what is to be expected of rounding alone.
"""

import importlib
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from float64 import optimizers
from float64.dialect import Dialect, Model
from tqdm import tqdm

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import given, proof, training  # noqa: E402
from kasv import suite  # noqa: E402

DIGITS = 10


@click.command()
@click.argument("models", nargs=-1)
def main(models: tuple[str, ...]) -> None:
    """Compute references and write them."""
    path = Path(proof.REFERENCE)
    entries = json.loads(path.read_bytes()) if path.exists() else {}
    known = suite.models(ROOT / "benchmarks")
    entries = {name: entry for name, entry in entries.items() if name in known}
    for name in tqdm(models or known, unit="model"):
        reference = Reference(find(name))
        entries[name] = reference.entry("float64")
        path.write_text(dump(entries), encoding="utf-8")
        tqdm.write(f"{name}: {describe(reference, entries[name])}")


def find(name: str) -> Any:
    """Return a model of the suite."""
    module = importlib.import_module(f"benchmarks.{name}")
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type)]
    (model,) = [k for k in kinds if issubclass(k, training.Training) and k is not training.Training]
    return model()


class Reference:
    """A model of the suite in float64 or float32, and what the proof gives it."""

    def __init__(self, model: Any) -> None:
        noted = given.Noted(Dialect(), model)
        self._built: Model = model.build(noted)[0]
        self._loss = model.loss
        self._rate = model.proof_rate
        self._name, self._settings = noted.optimizer
        self._weighted = [note for note in noted.layers if note.layer.shapes]
        self.of = given.digest(noted.facts())
        self._x, self._y, self._probe = given.batches(noted, model.loss)

    @property
    def shapes(self) -> list[tuple[str, list[list[int]]]]:
        """Each layer's kind and its weights' shapes."""
        return [(n.kind, [list(shape) for shape in n.layer.shapes]) for n in self._weighted]

    def predictions(self, make: Any, kind: str) -> list[list[float]]:
        """Return the probe's predictions after the steps by an optimizer; None takes no step."""
        owners = [note.layer for note in self._weighted]
        self._built.give(owners, given.weights(self.shapes), kind)
        if make:
            self._built.train(_floats(self._x, kind), self._y, given.BATCH, self._loss, make)
        return self._built.predict(_floats(self._probe, kind)).value.tolist()

    def entry(self, kind: str) -> dict[str, Any]:
        """Return the reference, computed in a kind of float."""
        published = optimizers.PUBLISHED[self._name]
        other = optimizers.VARIANTS.get(self._name)
        return {
            "of": self.of,
            "weights": self.shapes,
            "untrained": self.predictions(None, kind),
            "descent": self.predictions(partial(optimizers.Descent, self._rate), kind),
            "optimizer": self.predictions(partial(published, **self._settings), kind),
            "variant": other
            and self.predictions(partial(published, **self._settings, **other), kind),
        }


def _floats(arrays: list[Any], kind: str) -> list[Any]:
    return [array if array.dtype == np.int32 else array.astype(kind) for array in arrays]


def describe(reference: Reference, entry: dict[str, Any]) -> str:
    """Say how far the steps go, and how far rounding leads astray."""
    rounded = reference.entry("float32")
    parts = []
    for key in ("descent", "optimizer", "variant"):
        if entry[key]:
            moved = proof.deviation(entry[key], entry["untrained"])
            astray = proof.deviation(rounded[key], entry[key])
            parts.append(f"{key} moves {moved:.2f}, float32 differs by {astray:.1e}")
    if entry["variant"]:
        apart = proof.deviation(entry["variant"], entry["optimizer"])
        parts.append(f"the formulas differ by {apart:.1e}")
    return "; ".join(parts)


def dump(entries: dict[str, Any]) -> str:
    """Return JSON with a line for each list of predictions."""
    rounded = {name: _rounded(entries[name]) for name in sorted(entries)}
    lines = []
    for name, entry in rounded.items():
        fields = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in entry.items()]
        lines.append(f" {json.dumps(name)}: {{\n" + ",\n".join(fields) + "\n }")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
