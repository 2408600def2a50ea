"""Whether the same-work proof catches what is wrong: four wrongs planted in real releases.

In one process each, through `asv run`: the first layer's gradient halved, the last layer's kernel
frozen, a bias missing (held at 0), another epsilon (1e-7 for 1e-8). Before them the proof as it is.
What is caught deviates by more than 1e-4, from the optimizer's known other formula too.

    python perf/planted.py                                 # three backends, mnist_mlp
    python perf/planted.py --model lstm_text_generation
"""

import click
from project import Project

LIMIT = 1e-4
_RELEASES = ("tensorflow-2.10.1", "jax-0.10.2-keras-3.15.1", "mxnet-1.2.1")
_PLANTED = ("nothing", "halved gradient", "frozen weight", "missing bias", "other epsilon")

_SAMPLES = """
from . import compat, proof


def samples(training, data):
    keras = proof.load()
    found = [proof.prove(training, keras)]
    for wrong in (halved, frozen, without_bias):
        keras.fit_in_order = step_by_step(keras, wrong)
        found.append(proof.prove(training, keras))
        del keras.fit_in_order
    compat.EPSILON = 1e-7
    other = proof.prove(training, keras)
    formulas = [other[key] for key in ("optimizer_deviation", "variant_deviation")]
    return [one["deviation"] for one in found] + [min(formulas)]


def step_by_step(keras, wrong):
    def fit_in_order(model, x, y, batch_size):
        before = model.get_weights()
        for start in range(0, len(y), batch_size):
            before = wrong(before, before)
            model.set_weights(before)
            part = slice(start, start + batch_size)
            type(keras).fit_in_order(keras, model, x[part], y[part], batch_size)
            before = wrong(before, trained(model))
        model.set_weights(before)

    return fit_in_order


def trained(model):
    # What keras-mxnet gets of weights that were once set is what was set.
    if not hasattr(model, "_module"):
        return model.get_weights()
    arrays, _ = model._module.get_params()
    return [arrays[weight.name].asnumpy() for weight in model.weights]


def halved(before, after):
    return [(before[0] + after[0]) / 2] + after[1:]


def frozen(before, after):
    return after[:-2] + [before[-2], after[-1]]


def without_bias(before, after):
    first = [array.ndim for array in after].index(1)
    return after[:first] + [after[first] * 0] + after[first + 1 :]
"""


@click.command()
@click.option("--release", "tags", multiple=True, default=_RELEASES, show_default=True)
@click.option("--model", default="mnist_mlp", show_default=True)
def main(tags: tuple[str, ...], model: str) -> None:
    """Print each deviation, and how many of the four are caught."""
    project = Project("planted", tags)
    project.add_inside(model, _SAMPLES)
    project.build([model])
    for tag in tags:
        found = project.measure_inside(tag, model)
        pairs = zip(_PLANTED, found, strict=True)
        click.echo(f"{tag} {model}: " + ", ".join(f"{name} {value:.1e}" for name, value in pairs))
        caught = sum(value > LIMIT for value in found[1:])
        click.echo(f"{caught} of 4 caught; nothing planted: {found[0] <= LIMIT and 'same'}")


if __name__ == "__main__":
    main()
