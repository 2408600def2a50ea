"""The layers: their weights' shapes, and the formulas by which they compute."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import numpy as np

from float64.tape import Array, Tape, Variable, logistic

Shape = tuple[int, ...]


class Node:
    """A value of a model to come: its shape without the samples' axis, and how it is made."""

    def __init__(self, shape: Shape, layer: Layer | None = None, *sources: Node) -> None:
        self.shape = shape
        self.layer = layer
        self.sources = sources


class Layer(abc.ABC):
    """A layer; `shapes` are its weights', known once it is applied to a node."""

    shapes: Sequence[Shape] = ()

    def __call__(self, *sources: Node) -> Node:
        """Apply the layer to nodes."""
        return Node(self.shape(*(source.shape for source in sources)), self, *sources)

    @abc.abstractmethod
    def shape(self, *shapes: Shape) -> Shape:
        """Set `shapes` and return the result's shape."""

    @abc.abstractmethod
    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return the result for inputs, whose first axis is the samples'."""


def activate(tape: Tape, name: str, x: Variable) -> Variable:
    """Apply an activation."""
    return {"relu": tape.relu, "sigmoid": tape.sigmoid, "softmax": tape.softmax}[name](x)


class Dense(Layer):
    """activation(x @ kernel + bias)."""

    def __init__(self, units: int, activation: str) -> None:
        self.units = units
        self.activation = activation

    def shape(self, *shapes: Shape) -> Shape:
        """Return (units,)."""
        self.shapes = ((shapes[0][-1], self.units), (self.units,))
        return (self.units,)

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, units)."""
        return activate(tape, self.activation, tape.affine(inputs[0], *weights))


class Convolution(Layer):
    """activation(the sum over each square times kernel + bias): a correlation, nothing flipped."""

    def __init__(self, filters: int, size: int, padding: str, activation: str) -> None:
        self.filters = filters
        self.size = size
        self.edge = size // 2 if padding == "same" else 0
        self.activation = activation

    def shape(self, *shapes: Shape) -> Shape:
        """Return (rows, columns, filters)."""
        rows, columns, channels = shapes[0]
        self.shapes = ((self.size, self.size, channels, self.filters), (self.filters,))
        lost = self.size - 1 - 2 * self.edge
        return rows - lost, columns - lost, self.filters

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, rows, columns, filters)."""
        kernel, bias = weights
        x = tape.pad(inputs[0], self.edge) if self.edge else inputs[0]
        flat = tape.reshape(kernel, (-1, self.filters))
        summed = tape.affine(tape.patches(x, self.size), flat, bias)
        return activate(tape, self.activation, summed)


class Pooling(Layer):
    """The largest value of each square."""

    def __init__(self, size: int) -> None:
        self.size = size

    def shape(self, *shapes: Shape) -> Shape:
        """Return (rows, columns, channels)."""
        rows, columns, channels = shapes[0]
        return rows // self.size, columns // self.size, channels

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, rows, columns, channels)."""
        return tape.largest(inputs[0], self.size)


class Mean(Layer):
    """The mean over time."""

    def shape(self, *shapes: Shape) -> Shape:
        """Return (channels,)."""
        return shapes[0][1:]

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, channels)."""
        return tape.mean(inputs[0])


class Flat(Layer):
    """One axis of all."""

    def shape(self, *shapes: Shape) -> Shape:
        """Return (values,)."""
        return (int(np.prod(shapes[0])),)

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, values)."""
        return tape.reshape(inputs[0], (len(inputs[0].value), -1))


class Repeat(Layer):
    """A vector at each of so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def shape(self, *shapes: Shape) -> Shape:
        """Return (times, channels)."""
        return (self.times, *shapes[0])

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, times, channels)."""
        return tape.repeat(inputs[0], self.times)


class Sum(Layer):
    """The sum of two."""

    def shape(self, *shapes: Shape) -> Shape:
        """Return the shape of both."""
        return shapes[0]

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return x + y."""
        return tape.add(*inputs)


class Embedding(Layer):
    """A vector for each word."""

    def __init__(self, words: int, units: int) -> None:
        self.words = words
        self.units = units

    def shape(self, *shapes: Shape) -> Shape:
        """Return (times, units)."""
        self.shapes = ((self.words, self.units),)
        return (*shapes[0], self.units)

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, times, units)."""
        return tape.rows(weights[0], inputs[0].value)


class Lstm(Layer):
    """The last output of an LSTM: sigmoid gates i, f and o, tanh for the cell."""

    def __init__(self, units: int) -> None:
        self.units = units

    def shape(self, *shapes: Shape) -> Shape:
        """Return (units,)."""
        gates = 4 * self.units
        self.shapes = ((shapes[0][-1], gates), (self.units, gates), (gates,))
        return (self.units,)

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, units)."""
        return lstm(tape, inputs[0], *weights)


class Bidirectional(Layer):
    """A layer forwards in time and one backwards, side by side."""

    def __init__(self, layer: Lstm) -> None:
        self.layer = layer

    def shape(self, *shapes: Shape) -> Shape:
        """Return twice the inner layer's (units,)."""
        (units,) = self.layer.shape(*shapes)
        self.shapes = (*self.layer.shapes, *self.layer.shapes)
        return (2 * units,)

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, twice the units)."""
        forwards = self.layer.compute(tape, weights[:3], inputs[0])
        backwards = self.layer.compute(tape, weights[3:], tape.reverse(inputs[0]))
        return tape.side_by_side(forwards, backwards)


class Distributed(Layer):
    """A layer applied to each time step; the weights are that layer's own."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer

    def shape(self, *shapes: Shape) -> Shape:
        """Return (times, ...)."""
        return (shapes[0][0], *self.layer.shape(shapes[0][1:]))

    def compute(self, tape: Tape, weights: Sequence[Variable], *inputs: Variable) -> Variable:
        """Return (samples, times, ...)."""
        samples, times, *rest = inputs[0].value.shape
        steps = tape.reshape(inputs[0], (samples * times, *rest))
        made = self.layer.compute(tape, weights, steps)
        return tape.reshape(made, (samples, times, *made.value.shape[1:]))


def lstm(
    tape: Tape, x: Variable, kernel: Variable, recurrent: Variable, bias: Variable
) -> Variable:
    """Run an LSTM over x (samples, times, channels); return its last output."""
    samples, times, _ = x.value.shape
    projected = x.value @ kernel.value + bias.value
    output = cell = np.zeros((samples, len(recurrent.value)), dtype=x.value.dtype)
    steps = []
    for time in range(times):
        before = output, cell
        i, f, g, o = np.split(projected[:, time] + output @ recurrent.value, 4, axis=-1)
        i, f, g, o = logistic(i), logistic(f), np.tanh(g), logistic(o)
        cell = f * cell + i * g
        output = o * np.tanh(cell)
        steps.append((before, (i, f, g, o), np.tanh(cell)))

    def backward(gradient: Array) -> Sequence[Array]:
        gates = _gates_backwards(steps, recurrent.value, gradient)
        outputs = np.stack([before[0] for before, _, _ in steps], axis=1)
        return (
            gates @ kernel.value.T,
            np.tensordot(x.value, gates, axes=((0, 1), (0, 1))),
            np.tensordot(outputs, gates, axes=((0, 1), (0, 1))),
            gates.sum(axis=(0, 1)),
        )

    return tape.record(output, (x, kernel, recurrent, bias), backward)


def _gates_backwards(steps: Sequence[tuple], recurrent: Array, gradient: Array) -> Array:
    """Return the gradient of what enters the gates: (samples, times, 4 units)."""
    entering = []
    output, cell = gradient, np.zeros_like(gradient)
    for (_, cell_before), (i, f, g, o), squashed in reversed(steps):
        cell = cell + output * o * (1 - squashed**2)
        parts = (
            cell * g * i * (1 - i),
            cell * cell_before * f * (1 - f),
            cell * i * (1 - g**2),
            output * squashed * o * (1 - o),
        )
        entering.append(np.concatenate(parts, axis=-1))
        output, cell = entering[-1] @ recurrent.T, cell * f
    return np.stack(entering[::-1], axis=1)
