"""The same-work proof: its reference, its measure, and that it is measured once a release."""

import json
from pathlib import Path
from types import ModuleType

import made_results
import numpy as np
import pytest

from benchmarks import proof
from benchmarks.mnist_mlp import MnistMlp
from kasv import proof as host
from kasv import releases

ROOT = Path(__file__).parents[1]


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script that computes the reference."""
    monkeypatch.syspath_prepend(str(ROOT / "perf"))
    import reference

    return reference


def stored_reference(model: str) -> dict[str, list[list[float]]]:
    return json.loads(Path(proof.REFERENCE).read_bytes())[model]


def test_the_reference_is_what_float64_computes(reference: ModuleType) -> None:
    computed = reference.Reference(MnistMlp()).entry("float64")
    kept = stored_reference("mnist_mlp")
    assert computed["of"] == kept["of"]
    for part in ("untrained", "descent", "optimizer", "variant"):
        np.testing.assert_allclose(computed[part], kept[part], rtol=1e-8)


def test_twenty_steps_move_every_model_far_and_tell_the_formulas_apart() -> None:
    for model, kept in json.loads(Path(proof.REFERENCE).read_bytes()).items():
        assert proof.deviation(kept["descent"], kept["untrained"]) > 0.1, model
        if kept["variant"]:
            assert proof.deviation(kept["variant"], kept["optimizer"]) > 1e-3, model


def test_every_model_has_a_reference_of_itself(reference: ModuleType) -> None:
    entries = json.loads(Path(proof.REFERENCE).read_bytes())
    withheld = {"cifar10_cnn"}  # see there
    assert entries.keys() == made_results.MODELS.keys() - withheld
    for model in entries:
        assert entries[model]["of"] == reference.Reference(reference.find(model)).of


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [([[0.5, 0.5]], 0.0), ([[0.6, 0.4]], 0.2), ([0.5, 0.499], 0.002)],
)
def test_a_deviation_is_relative_to_the_largest_prediction(
    predictions: list[object], expected: float
) -> None:
    assert proof.deviation(predictions, [[0.5, 0.5]]) == pytest.approx(expected)


def test_what_is_not_a_number_is_no_deviation() -> None:
    with pytest.raises(FloatingPointError, match="diverged"):
        proof.deviation([[float("nan"), 1.0]], [[0.5, 0.5]])


def test_a_proof_reads_its_own_record_and_a_training_its_own(tmp_path: Path) -> None:
    for name in ("mnist_mlp-real.json", "mnist_mlp-proof.json", "mnist_cnn-proof.json"):
        (tmp_path / name).touch()
    trained = host.records(tmp_path, "mnist_mlp.MnistMlp.track_loss-0")
    proven = host.records(tmp_path, "mnist_mlp.MnistMlp.track_deviation-0")
    assert [path.name for path in trained] == ["mnist_mlp-real.json"]
    assert [path.name for path in proven] == ["mnist_mlp-proof.json"]
    host.forget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mnist_mlp-real.json"]


def test_a_stored_proof_is_handed_over_while_its_version_stays(tmp_path: Path) -> None:
    made_results.write_releases(tmp_path / "backends", each=1, backends=["cntk"])
    (release,) = releases.load(tmp_path / "backends")
    results = tmp_path / "results"
    made_results.write_benchmarks(results)
    path = made_results.write_result(results, release, failing=["mnist_cnn"])
    deviation = "mnist_mlp.MnistMlp.track_deviation"
    assert host.stored(results, path, f"{deviation}-0") == b"1e-07"
    assert host.stored(results, path, "mnist_mlp.MnistMlp.track_loss-0") is None
    assert host.stored(results, path, "mnist_cnn.MnistCnn.track_deviation-0") is None
    known = json.loads((results / "benchmarks.json").read_bytes())
    known[deviation]["version"] = "another"
    (results / "benchmarks.json").write_text(json.dumps(known))
    assert host.stored(results, path, f"{deviation}-0") is None
