"""`compat.Keras`'s words for float64, and the training of what a model says in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from float64 import layers
from float64.layers import Layer, Node, Shape
from float64.tape import Array, Tape, Variable


class Optimizer(Protocol):
    """What trains one weight."""

    def change(self, weight: Variable) -> Array:
        """Return what to add to the weight."""


class Dialect:
    """The words in which a model's `build` speaks; optimizers are named elsewhere."""

    dense = layers.Dense
    conv2d = layers.Convolution
    max_pooling2d = layers.Pooling
    global_average_pooling1d = layers.Mean
    flatten = layers.Flat
    repeat_vector = layers.Repeat
    embedding = layers.Embedding
    lstm = layers.Lstm
    bidirectional = layers.Bidirectional
    distributed = layers.Distributed

    def image_shape(self, *shape: int) -> Shape:
        """Return rows, columns and channels."""
        return shape

    def input(self, shape: Shape, dtype: str) -> Node:
        """Return a model's input."""
        return Node(tuple(shape))

    input_layer = input

    def add(self, tensors: Sequence[Node]) -> Node:
        """Return the sum of two."""
        return layers.Sum()(*tensors)

    def sequential(self, start: Node, *following: Layer) -> Model:
        """Return a model of layers, one after the other."""
        node = start
        for layer in following:
            node = layer(node)
        return Model([start], node)

    def model(self, inputs: Node | Sequence[Node], output: Node) -> Model:
        """Return a model from its inputs to its output."""
        return Model([inputs] if isinstance(inputs, Node) else inputs, output)

    def rmsprop(self, rate: float, decay: float = 0.0) -> None:
        """Leave it to the notes."""

    def adadelta(self, rate: float) -> None:
        """Leave it to the notes."""

    def adam(self, rate: float) -> None:
        """Leave it to the notes."""


class Model:
    """A model's graph, and its weights by layer once they are given."""

    def __init__(self, inputs: Sequence[Node], output: Node) -> None:
        self._inputs = inputs
        self._output = output
        self._weights: dict[Layer, list[Variable]] = {}

    def give(self, owners: Sequence[Layer], weights: Sequence[Sequence[Array]], kind: str) -> None:
        """Set the weights of layers, converted to a kind of float."""
        self._weights = {
            owner: [Variable(array.astype(kind)) for array in arrays]
            for owner, arrays in zip(owners, weights, strict=True)
        }

    def variables(self) -> list[Variable]:
        """Return all weights."""
        return [weight for arrays in self._weights.values() for weight in arrays]

    def predict(self, x: Sequence[Array], tape: Tape | None = None) -> Variable:
        """Return the predictions."""
        values = {node: Variable(array) for node, array in zip(self._inputs, x, strict=True)}
        return self._value(self._output, values, tape or Tape())

    def _value(self, node: Node, values: dict[Node, Variable], tape: Tape) -> Variable:
        if node not in values:
            sources = [self._value(source, values, tape) for source in node.sources]
            owner = node.layer.layer if isinstance(node.layer, layers.Distributed) else node.layer
            weights = self._weights.get(owner, [])
            values[node] = node.layer.compute(tape, weights, *sources)
        return values[node]

    def train(
        self, x: Sequence[Array], y: Array, batch: int, loss: str, make: Callable[[], Optimizer]
    ) -> None:
        """Train on the batches as they stand, each weight by an optimizer of its own."""
        optimizers = [(weight, make()) for weight in self.variables()]
        for start in range(0, len(y), batch):
            part = slice(start, start + batch)
            self._differentiate([array[part] for array in x], y[part], loss)
            for weight, optimizer in optimizers:
                weight.value = weight.value + optimizer.change(weight)

    def _differentiate(self, x: Sequence[Array], y: Array, loss: str) -> None:
        for weight in self.variables():
            weight.gradient = np.zeros_like(weight.value)
        tape = Tape()
        predicted = self.predict(x, tape)
        tape.backward(predicted, _LOSSES[loss](predicted.value, y.reshape(len(y), -1)))


def _categorical(p: Array, y: Array) -> Array:
    """Return the gradient of the mean of -sum(y log p)."""
    return -y / p / len(y)


def _binary(p: Array, y: Array) -> Array:
    """Return the gradient of the mean of -y log p - (1 - y) log(1 - p)."""
    return (p - y) / (p * (1 - p)) / len(y)


_LOSSES: dict[str, Any] = {
    "categorical_crossentropy": _categorical,
    "binary_crossentropy": _binary,
}
