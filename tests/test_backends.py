"""Each backend's environment is built from its lock, and really trains through `asv run`."""

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from uv import find_uv_bin

from kasv import build, datasets, releases

ROOT = Path(__file__).parents[1]
ENV_DIR = ROOT / "build" / "env"
PROGRAMS = Path(sys.executable).parent

pytestmark = pytest.mark.environment


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """Make a folder that runs this checkout's suite and releases, with results of its own.

    Its environments stay for the next tests; a run that measures in the checkout has others.
    """
    folder = tmp_path_factory.mktemp("checkout")
    configuration = json.loads((ROOT / "asv.conf.json").read_text(encoding="utf-8"))
    for key in ("repo", "benchmark_dir"):
        configuration[key] = str(ROOT / configuration[key])
    configuration["env_dir"] = str(ENV_DIR)
    (folder / "asv.conf.json").write_text(json.dumps(configuration), encoding="utf-8")
    run(folder, "machine", "--yes")
    return folder


def run(folder: Path, *arguments: str, program: str = "asv") -> tuple[int, str]:
    environment = {
        **os.environ,
        "HOME": str(folder),  # for asv's record of the machine; the caches stay the user's
        "KASV_CACHE_DIR": str(datasets.arrays_folder().parent),
        "UV_CACHE_DIR": subprocess.check_output([find_uv_bin(), "cache", "dir"], text=True).strip(),
        "COLUMNS": "200",
    }
    answer = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return answer.returncode, answer.stdout


def measured(
    folder: Path, tag: str, backends: Path = releases.FOLDER
) -> dict[str, list[float | None]]:
    """Return what `asv run` stored for a release, by benchmark."""
    (commit,) = [release.commit for release in releases.load(backends) if release.tag == tag]
    (path,) = folder.glob(f"results/*/{commit[:8]}-*.json")
    rows = json.loads(path.read_text(encoding="utf-8"))["results"]
    return {name.partition(".")[2].partition(".")[2]: row[0] for name, row in rows.items()}


@pytest.mark.parametrize(
    "tag",
    [
        "tensorflow-1.14.0",
        "cntk-2.7.post2-keras-2.2.2",
        "theano-1.0.5",
        "mxnet-1.2.1",
        "mxnet-0.11.0",
    ],
)
def test_a_model_trains(checkout, tag):
    status, output = run(checkout, "run", "--show-stderr", "--bench", "mnist_mlp", f"{tag}^!")
    assert status == 0, output
    figures = measured(checkout, tag)
    (epoch,) = figures["time_epoch"]
    (step,) = figures["track_step_time"]
    (cpu,) = figures["track_step_cpu"]
    (first,) = figures["track_first_epoch"]
    (accuracy,) = figures["track_accuracy"]
    (error,) = figures["track_error"]
    assert 0 < 60 * step < 1.5 * epoch  # 60 batches, of which the last 50 are timed
    assert cpu > 0
    (deviation,) = figures["track_deviation"]
    (run_to_run,) = figures["track_reproducibility"]
    assert deviation <= 1e-4 or run_to_run > deviation / 10  # TensorFlow 1 races
    assert first > 0
    assert 0.9 < accuracy < 1  # chance is 0.1, and the published full run reaches 0.98
    assert error == pytest.approx(1 - accuracy)


def suite_environment(release, folder):
    """Return the variables for a process of the suite; its records and its home are the folder."""
    return {
        **os.environ,
        "KASV_RELEASE": json.dumps(release.facts("cpu")),
        "KASV_ARRAYS": str(datasets.arrays_folder()),
        "KASV_RECORDS": str(folder),
        "KERAS_BACKEND": release.backend,
        "HOME": str(folder),
    }


KILLED = """
from benchmarks.mnist_mlp import MnistMlp

training = MnistMlp()
training.repeat = 1000
training.record("real")
"""


def test_a_killed_training_leaves_a_failure(checkout, tmp_path):
    """Its epochs so far are no training: nothing may be filed from them."""
    (release,) = [release for release in releases.load() if release.tag == "mxnet-1.2.1"]
    folder = build.build(release, "cpu", ENV_DIR)
    datasets.ensure("mnist")
    command = [folder / "bin" / "python", "-c", KILLED]
    with subprocess.Popen(command, cwd=ROOT, env=suite_environment(release, tmp_path)) as process:
        record = {}
        while len(record.get("epochs", ())) < 3:
            assert process.poll() is None
            time.sleep(0.05)
            path = tmp_path / "mnist_mlp-real.json"
            record = json.loads(path.read_bytes()) if path.exists() else {}
        process.kill()
    record = json.loads(path.read_bytes())
    assert record["failure"] == f"the training was ended after epoch {len(record['epochs'])}"


PROVEN = """
import json
from benchmarks import proof
from benchmarks.mnist_mlp import MnistMlp

keras = proof.load()
right = proof.prove(MnistMlp(), keras)
descent = keras.sgd
keras.sgd = lambda rate: descent(rate / 2)
halved = proof.prove(MnistMlp(), keras)
print(json.dumps([right, halved]))
"""


def test_a_halved_gradient_is_caught_by_the_proof(tmp_path):
    (release,) = [release for release in releases.load() if release.tag == "mxnet-1.2.1"]
    folder = build.build(release, "cpu", ENV_DIR)
    answer = subprocess.run(
        [folder / "bin" / "python", "-c", PROVEN],
        cwd=ROOT,
        env=suite_environment(release, tmp_path),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    right, halved = json.loads(answer.stdout)
    assert right["deviation"] < 1e-5
    assert right["variant_deviation"] < 1e-4 < right["optimizer_deviation"]  # epsilon in the root
    assert halved["deviation"] > 1e-2


def test_two_backends_train_in_turns(checkout):
    tags = ["tensorflow-1.14.0", "mxnet-1.2.1"]
    options = ("--model=mnist_mlp", "--rounds=1")
    status, output = run(checkout, "interleave", *tags, *options, program="kasv")
    assert status == 0, output
    assert "32/32" in output  # two trainings of eight epochs a side
    status, output = run(checkout, "compare", *tags, "--json", program="kasv")
    assert status in (0, 1), output
    (comparison,) = json.loads(output)
    (epoch,) = [row for row in comparison["rows"] if row["metric"] == "time_epoch"]
    assert epoch["effect"]["ratio"] > 0


def test_another_version_than_the_pinned_one_fails_naming_both(checkout):
    """A figure filed under the wrong release would be the worst thing this program could do."""
    tag = "mxnet-1.2.1"
    (release,) = [release for release in releases.load() if release.tag == tag]
    folder = build.build(release, "cpu", ENV_DIR)
    (numpy,) = folder.glob("lib/python3.6/site-packages/numpy/version.py")
    right = numpy.read_text(encoding="utf-8")
    numpy.unlink()  # a hard link to uv's cache
    numpy.write_text(right.replace(release.pins()["numpy"], "1.99.0"), encoding="utf-8")
    try:
        status, output = run(checkout, "run", "--show-stderr", "-b", "mnist_mlp", f"{tag}^!")
    finally:
        numpy.write_text(right, encoding="utf-8")
    assert status == 2
    assert f"{tag} pins numpy {release.pins()['numpy']}, but 1.99.0" in output


def test_a_training_that_leaves_weights_where_they_were_fails_naming_them(checkout, tmp_path):
    """keras-mxnet 2.2.4.3 never updates a looped LSTM, raises nothing, and its loss still falls."""
    tag = "mxnet-1.9.1"
    backends = tmp_path / "backends"
    backends.mkdir()
    text = (releases.FOLDER / "mxnet.toml").read_text(encoding="utf-8")
    (backends / "mxnet.toml").write_text(text.replace("unroll = true\n", ""), encoding="utf-8")
    configuration = json.loads((checkout / "asv.conf.json").read_text(encoding="utf-8"))
    configuration |= {"repo": str(backends), "branches": ["mxnet"]}
    (tmp_path / "asv.conf.json").write_text(json.dumps(configuration), encoding="utf-8")
    run(tmp_path, "machine", "--yes")
    status, output = run(tmp_path, "run", "--show-stderr", "-b", "babi.*time_epoch", f"{tag}^!")
    assert status == 2
    frozen = output.partition("training did not move the weights ")[2].partition(":")[0]
    assert {"lstm_1/kernel1", "lstm_2/kernel1"} <= set(frozen.split(", "))
    real, generated = measured(tmp_path, tag, backends)["time_epoch"]
    assert real is None or math.isnan(real)  # there is no such data, or it failed too
    assert generated is None
