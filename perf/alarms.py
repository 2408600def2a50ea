"""False alarms and power of `kasv compare`: how often it reports what is not there, and what is.

A release and its twin (the same lock under another tag) are measured by `kasv interleave` and
compared by `kasv compare`, both at their default settings: any change that it reports is a false
alarm. Then the same with a slowdown planted in a copy of the suite: in the twin each call of the
function in which Keras trains on a batch is followed by a sleep of 5 % of its own time.

    python perf/alarms.py --pairs 40 --planted 20

takes about two minutes a pair, two hours in all.
"""

import contextlib
import json
import math
import statistics
from collections.abc import Iterator
from typing import Any

import click
from click.testing import CliRunner
from project import TWIN, Project

from kasv import significance
from kasv.compare_command import compare
from kasv.interleave_command import ROUNDS
from kasv.metrics import EPOCH, STEP

_PLANT = '''

def _slowed(load):
    """Have each training function followed by a sleep: planted by perf/alarms.py."""
    import time

    def loaded(self, data):
        load(self, data)
        fit = self.keras.fit

        def slowed(model, *args, **kwargs):
            train = getattr(model, "train_function", None)  # there from the second epoch on
            if train is not None and not hasattr(train, "is_planted"):

                def waits(*inputs):
                    start = timeit.default_timer()
                    result = train(*inputs)
                    time.sleep({share} * (timeit.default_timer() - start))
                    return result

                waits.is_planted = True
                model.train_function = waits
            return fit(model, *args, **kwargs)

        self.keras.fit = slowed

    return loaded


if settings.release().tag.endswith("{twin}"):
    Training._load = _slowed(Training._load)
'''


@click.command()
@click.option("--release", default="tensorflow-1.14.0", show_default=True)
@click.option("--model", default="mnist_mlp", show_default=True)
@click.option("--pairs", default=40, show_default=True, help="Pairs of the same release.")
@click.option("--planted", default=20, show_default=True, help="Pairs with a slowdown.")
@click.option("--share", default=significance.PLANTED, show_default=True, help="The slowdown.")
@click.option("--rounds", default=ROUNDS, show_default=True)
def main(release: str, model: str, pairs: int, planted: int, share: float, rounds: int) -> None:
    """Count false alarms and detections."""
    alarms = sum(measure(release, model, rounds, pairs, 0.0))
    detections = sum(measure(release, model, rounds, planted, share))
    click.echo(f"false alarms: {alarms} of {pairs} pairs (at most 1 of 40 wanted)")
    click.echo(f"{share:.0%} slower, reported: {detections} of {planted} (19 of 20 wanted)")


def measure(release: str, model: str, rounds: int, pairs: int, share: float) -> Iterator[bool]:
    """Measure pairs; yield for each whether `kasv compare` reports a change (planted: this one)."""
    project = Project("alarms", [release, release + TWIN])
    if share:
        with (project.suite / "training.py").open("a", encoding="utf-8") as file:
            file.write(_PLANT.format(share=share, twin=TWIN))
    project.build([model])
    for pair in range(1, pairs + 1):
        seconds = project.interleave(release, release + TWIN, model, rounds)
        row = judge(project, release)
        effect, verdict = row["effect"], row["verdict"]
        click.echo(
            f"pair {pair}, {share:.0%} planted: {effect['ratio'] - 1:+.2%} "
            f"({effect['low'] - 1:+.2%} to {effect['high'] - 1:+.2%}), {verdict}; "
            f"rounds' differences deviate {deviation(project):.2%}; {seconds:.0f} s"
        )
        yield verdict == "worse" if share else verdict in ("better", "worse")


def judge(project: Project, release: str) -> dict[str, Any]:
    """Return the row of the step's time as `kasv compare --json` gives it."""
    with contextlib.chdir(project.folder):
        answer = CliRunner().invoke(compare, [release, release + TWIN, "--json"])
    if answer.exit_code not in (0, 1):
        raise answer.exception
    (comparison,) = json.loads(answer.stdout)
    (row,) = [row for row in comparison["rows"] if row["metric"] == STEP]
    return row


def deviation(project: Project) -> float:
    """Return how far the rounds' mean differences deviate, 0 of a single round."""
    a, b = (figure.samples for figure in project.figures() if figure.metric == STEP)
    epochs = next(len(figure.samples) for figure in project.figures() if figure.metric == EPOCH)
    logs = [math.log(y / x) for x, y in zip(a, b, strict=True)]
    rounds = significance.split(logs, significance.SAMPLES_IN_TURNS * len(a) // epochs)
    means = [statistics.fmean(epochs) for epochs in rounds]
    return statistics.stdev(means) if len(means) > 1 else 0.0


if __name__ == "__main__":
    main()
