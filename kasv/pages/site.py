"""Write pages from templates: escaped, with their style inside and a policy for nothing more."""

import base64
import functools
import hashlib
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from kasv import metrics
from kasv.datasets.cache import arrays_folder
from kasv.measurements import MARKS
from kasv.releases import Release

_FOLDER = Path(__file__).parent / "templates"
NAMES = {
    "tensorflow": "TensorFlow",
    "cntk": "CNTK",
    "theano": "Theano",
    "mxnet": "MXNet",
    "jax": "JAX",
    "torch": "PyTorch",
}
MODELS = {
    "babi_rnn": "bAbI question answering, two LSTMs",
    "cifar10_cnn": "CIFAR-10 images, convolutions with augmentation",
    "imdb_bidirectional_lstm": "IMDb reviews, bidirectional LSTM",
    "imdb_fasttext": "IMDb reviews, fastText",
    "lstm_text_generation": "Nietzsche's works by character, LSTM",
    "mnist_cnn": "MNIST digits, convolutions",
    "mnist_hierarchical_rnn": "MNIST digits, LSTM over LSTMs",
    "mnist_mlp": "MNIST digits, dense layers",
}


class Site:
    """The folder of our pages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, template: str, **context: Any) -> None:
        """Write a page; `name` is its file's."""
        text = _templates().get_template(template).render(page=name, **context)
        (self._folder / name).write_text(text, encoding="utf-8")


@functools.cache
def _templates() -> Environment:
    """Return the templates, with what all of them use."""
    compiled = arrays_folder().parent / "templates"
    compiled.mkdir(parents=True, exist_ok=True)
    templates = Environment(
        loader=FileSystemLoader(_FOLDER),
        bytecode_cache=FileSystemBytecodeCache(str(compiled)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_FOLDER / "site.css").read_text(encoding="utf-8")
    templates.globals.update(
        style=style,
        policy=_policy(style),
        names=NAMES,
        models=MODELS,
        metrics=metrics.METRICS,
        marks=MARKS,
    )
    templates.filters.update(
        digits=metrics.digits,
        factor=metrics.factor,
        number=metrics.number,
        measure=metrics.text,
        change=metrics.change,
        slug=slug,
        label=label,
        breakable=breakable,
    )
    return templates


def _policy(style: str) -> str:
    """Return a Content-Security-Policy under which this style is all that a page may have."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def label(release: Release) -> str:
    """Return a release's tag without its backend; versions alone may repeat."""
    return release.tag.partition("-")[2]


def slug(*words: str) -> str:
    """Join words to what may stand in a file's name and in an address."""
    return re.sub(r"[^a-z0-9.]+", "-", "-".join(word[:40] for word in words).lower()).strip("-.")


def breakable(name: str) -> Markup:
    """Allow a line to break after each underscore of a name."""
    return escape(name).replace("_", Markup("_<wbr>"))
