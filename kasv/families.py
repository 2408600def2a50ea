"""Whether a release does the same work as the published model: what its proof says.

The suite trains each model for 20 steps from given weights and compares the predictions with a
reference in double precision (`track_deviation` and its fellows). Speeds are comparable only where
the work is the same.
"""

from collections.abc import Mapping
from typing import Literal

EQUAL = 1e-4  # largest difference of predictions, relative to the largest prediction
_RACING = 0.1  # two runs that differ by this share of the deviation explain it

Work = Literal["same", "racing", "wrong", "unproven"]
Optimizer = Literal["as published", "variant", "other", "unproven"]

# The other formula that an optimizer is known in; Adadelta is known in one only.
VARIANTS = {
    "rmsprop": "RMSprop with epsilon inside the root",
    "adam": "Adam with gradients of repeated rows squared one by one",
}
OPTIMIZERS = {
    "babi_rnn": "adam",
    "cifar10_cnn": "rmsprop",
    "imdb_bidirectional_lstm": "adam",
    "imdb_fasttext": "adam",
    "lstm_text_generation": "rmsprop",
    "mnist_cnn": "adadelta",
    "mnist_hierarchical_rnn": "rmsprop",
    "mnist_mlp": "rmsprop",
}

Values = Mapping[str, float | None]


def work(values: Values) -> Work:
    """Return the family of a release in a model, from its metrics' values (None: failed)."""
    deviation = values.get("track_deviation")
    if deviation is None:
        return "unproven"
    if deviation <= EQUAL:
        return "same"
    reproducibility = values.get("track_reproducibility")
    racing = reproducibility is not None and reproducibility > _RACING * deviation
    return "racing" if racing else "wrong"


def optimizer(values: Values) -> Optimizer:
    """Return how the model's own optimizer relates to that of Keras 2.0.8.

    Of training that races, or is wrong by plain gradient descent, a deviation proves nothing.
    """
    deviation = values.get("track_optimizer_deviation")
    if deviation is None:
        return "unproven"
    if deviation <= EQUAL:
        return "as published"
    variant = values.get("track_variant_deviation")
    if variant is not None and variant <= EQUAL:
        return "variant"
    return "other" if work(values) == "same" else "unproven"


def optimizer_text(model: str, found: Optimizer) -> str:
    """Say what an optimizer is; a variant by its name."""
    if found == "variant":
        return VARIANTS.get(OPTIMIZERS.get(model, ""), "a known variant")
    return found
