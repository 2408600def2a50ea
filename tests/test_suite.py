"""The suite's sources: fit for every interpreter and every Keras that they run in."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import asv.benchmark
import pytest

from kasv import interpreters
from kasv.errors import KasvError

SUITE = Path(__file__).parents[1] / "benchmarks"
SOURCES = sorted(SUITE.glob("*.py"))
MODELS = {
    "babi_rnn": ("BabiRnn", 45_836),
    "cifar10_cnn": ("Cifar10Cnn", 1_250_858),
    "imdb_bidirectional_lstm": ("ImdbBidirectionalLstm", 2_658_945),
    "imdb_fasttext": ("ImdbFasttext", 1_000_051),
    "lstm_text_generation": ("LstmTextGeneration", 102_585),
    "mnist_cnn": ("MnistCnn", 1_199_882),
    "mnist_hierarchical_rnn": ("MnistHierarchicalRnn", 199_434),
    "mnist_mlp": ("MnistMlp", 669_706),
}
BACKENDS = {"cntk", "jax", "mxnet", "numpy", "tensorflow", "theano", "torch"}
# The standard library of Python 3.13 as far as the suite uses it; `resource` is POSIX's.
STANDARD = set(sys.stdlib_module_names)


def imported(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).partition(".")[0])
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_parses_as_python_3_6(path: Path) -> None:
    ast.parse(path.read_bytes(), feature_version=(3, 6))


def test_compiles_under_a_real_python_3_6() -> None:
    try:
        python = interpreters.find("3.6").executable
    except KasvError as error:
        pytest.skip(str(error))
    compile_all = "import sys; [compile(open(p).read(), p, 'exec') for p in sys.argv[1:]]"
    subprocess.run([str(python), "-c", compile_all, *map(str, SOURCES)], check=True)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_imports_only_what_every_environment_has(path: Path) -> None:
    assert imported(path.read_text()) <= STANDARD | BACKENDS


@pytest.mark.parametrize(
    "module",
    ["settings", "records", "processor", "metrics", "devices", "compat", "steps", "training"],
)
def test_starts_without_numpy_or_keras(module: str) -> None:
    code = (
        f"import sys; import benchmarks.{module}; "
        "assert not {'numpy', 'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=SUITE.parent, check=True)


def test_every_model_has_a_module_and_nothing_else_looks_like_one() -> None:
    named = {path.stem for path in SOURCES if "(Training)" in path.read_text()}
    assert named == set(MODELS)


@pytest.mark.parametrize("module", MODELS)
def test_a_model_says_all_that_the_protocol_needs(module: str) -> None:
    name, parameters = MODELS[module]
    model = getattr(__import__(f"benchmarks.{module}", fromlist=[name]), name)
    assert model.dataset in ("mnist", "cifar10", "imdb", "babi_qa2", "nietzsche")
    assert model.parameters == parameters
    assert model.published_epochs >= 4
    assert model.batch_size in (32, 128)
    assert set(model.samples) == {"small", "full"}
    assert model.__doc__


@pytest.mark.parametrize(
    ("size", "module", "planned", "repeat"),
    [
        ("small", "mnist_mlp", 4, 3),
        ("full", "mnist_mlp", 20, 18),
        ("small", "lstm_text_generation", 2, 1),
        ("full", "lstm_text_generation", 10, 9),
        ("full", "imdb_bidirectional_lstm", 4, 3),
    ],
)
def test_steady_epochs_fill_up_what_is_planned(
    monkeypatch: pytest.MonkeyPatch, size: str, module: str, planned: int, repeat: int
) -> None:
    name, _ = MODELS[module]
    monkeypatch.setenv("KASV_SIZE", size)
    model = getattr(__import__(f"benchmarks.{module}", fromlist=[name]), name)()
    assert (model.planned_epochs, model.repeat) == (planned, repeat)


@pytest.mark.parametrize("module", MODELS)
def test_a_small_epoch_has_thirty_full_batches_and_no_other(module: str) -> None:
    model = getattr(__import__(f"benchmarks.{module}", fromlist=[""]), MODELS[module][0])
    batches, rest = divmod(model.samples["small"][0], model.batch_size)
    assert batches >= 30
    assert rest == 0, "a shorter batch is another graph, to be compiled while the clock runs"


def test_asv_discovers_eight_models_and_their_functions(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    subprocess.run(
        [sys.executable, asv.benchmark.__file__, "discover", str(SUITE), str(found)],
        check=True,
        cwd=tmp_path,
        env={"KASV_SIZE": "full"},
    )
    benchmarks = {benchmark["name"]: benchmark for benchmark in json.loads(found.read_text())}
    models = {name.rpartition(".")[0] for name in benchmarks}
    assert models == {f"{module}.{name}" for module, (name, _) in MODELS.items()}
    epoch = benchmarks["babi_rnn.BabiRnn.time_epoch"]
    assert epoch["param_names"] == ["data"]
    assert epoch["params"] == [["'real'", "'generated'"]]
    assert (epoch["number"], epoch["rounds"], epoch["warmup_time"]) == (1, 1, 0)
    history = benchmarks["mnist_mlp.MnistMlp.track_history"]
    assert history["params"] == [["'real'"], [str(epoch) for epoch in range(1, 21)]]
    assert "lstm_text_generation.LstmTextGeneration.track_accuracy" not in benchmarks
