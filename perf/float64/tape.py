"""Reverse-mode differentiation of the few operations that the suite's models are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Backward = Callable[[Array], Sequence[Array]]


class Variable:
    """A value with its gradient."""

    def __init__(self, value: Array) -> None:
        self.value = value
        self.gradient = np.zeros((), "float32")  # of the least precision, so that it decides none
        self.squares = (
            self.gradient
        )  # of a table's rows: the squares of each use's gradient, summed


class Tape:
    """Records operations, to run them backwards."""

    def __init__(self) -> None:
        self._backwards: list[Callable[[], None]] = []

    def backward(self, result: Variable, gradient: Array) -> None:
        """Give each variable that the result depends on its gradient."""
        result.gradient = gradient
        for backward in reversed(self._backwards):
            backward()

    def record(self, value: Array, sources: Sequence[Variable], backward: Backward) -> Variable:
        """Return a variable; `backward` makes of its gradient one for each of its sources."""
        made = Variable(value)

        def run() -> None:
            for source, gradient in zip(sources, backward(made.gradient), strict=True):
                source.gradient = source.gradient + gradient

        self._backwards.append(run)
        return made

    def affine(self, x: Variable, kernel: Variable, bias: Variable) -> Variable:
        """Return x @ kernel + bias over the last axis."""

        def backward(gradient: Array) -> Sequence[Array]:
            rows = gradient.reshape(-1, gradient.shape[-1])
            inputs = x.value.reshape(-1, x.value.shape[-1])
            return gradient @ kernel.value.T, inputs.T @ rows, rows.sum(axis=0)

        return self.record(x.value @ kernel.value + bias.value, (x, kernel, bias), backward)

    def add(self, x: Variable, y: Variable) -> Variable:
        """Return x + y of one shape."""
        return self.record(x.value + y.value, (x, y), lambda gradient: (gradient, gradient))

    def relu(self, x: Variable) -> Variable:
        """Return x where it is positive, else 0."""
        positive = x.value > 0
        return self.record(x.value * positive, (x,), lambda gradient: (gradient * positive,))

    def sigmoid(self, x: Variable) -> Variable:
        """Return 1 / (1 + exp(-x))."""
        y = logistic(x.value)
        return self.record(y, (x,), lambda gradient: (gradient * y * (1 - y),))

    def softmax(self, x: Variable) -> Variable:
        """Return exp(x) over its sum along the last axis."""
        powers = np.exp(x.value - x.value.max(axis=-1, keepdims=True))
        y = powers / powers.sum(axis=-1, keepdims=True)

        def backward(gradient: Array) -> Sequence[Array]:
            return (y * (gradient - (gradient * y).sum(axis=-1, keepdims=True)),)

        return self.record(y, (x,), backward)

    def reshape(self, x: Variable, shape: tuple[int, ...]) -> Variable:
        """Return x in another shape."""
        before = x.value.shape
        return self.record(x.value.reshape(shape), (x,), lambda g: (g.reshape(before),))

    def mean(self, x: Variable) -> Variable:
        """Return the mean over time, the second axis."""
        shape = x.value.shape

        def backward(gradient: Array) -> Sequence[Array]:
            return (np.broadcast_to(gradient[:, None] / shape[1], shape),)

        return self.record(x.value.mean(axis=1), (x,), backward)

    def repeat(self, x: Variable, times: int) -> Variable:
        """Return x repeated along a new second axis."""
        value = np.repeat(x.value[:, None], times, axis=1)
        return self.record(value, (x,), lambda gradient: (gradient.sum(axis=1),))

    def reverse(self, x: Variable) -> Variable:
        """Return x backwards in time."""
        return self.record(x.value[:, ::-1], (x,), lambda gradient: (gradient[:, ::-1],))

    def side_by_side(self, x: Variable, y: Variable) -> Variable:
        """Return x and y joined along the last axis."""
        width = x.value.shape[-1]
        value = np.concatenate([x.value, y.value], axis=-1)
        return self.record(value, (x, y), lambda g: (g[..., :width], g[..., width:]))

    def rows(self, table: Variable, numbers: NDArray[np.integer]) -> Variable:
        """Return a table's rows with these numbers."""

        def backward(gradient: Array) -> Sequence[Array]:
            flat = gradient.reshape(-1, gradient.shape[-1])
            whole, table.squares = np.zeros_like(table.value), np.zeros_like(table.value)
            np.add.at(whole, numbers.reshape(-1), flat)
            np.add.at(table.squares, numbers.reshape(-1), flat**2)
            return (whole,)

        return self.record(table.value[numbers], (table,), backward)

    def patches(self, x: Variable, size: int) -> Variable:
        """Return the size x size squares around which a convolution goes: (..., rows x cols x ch).

        x is (samples, rows, columns, channels).
        """
        samples, rows, columns, channels = x.value.shape
        high, wide = rows - size + 1, columns - size + 1
        places = [
            (slice(None), slice(i, i + high), slice(j, j + wide))
            for i in range(size)
            for j in range(size)
        ]

        def backward(gradient: Array) -> Sequence[Array]:
            parts = gradient.reshape(samples, high, wide, len(places), channels)
            whole = np.zeros_like(x.value)
            for number, place in enumerate(places):
                whole[place] += parts[:, :, :, number]
            return (whole,)

        value = np.concatenate([x.value[place] for place in places], axis=-1)
        return self.record(value, (x,), backward)

    def pad(self, x: Variable, width: int) -> Variable:
        """Return images with an edge of zeros."""
        inner = slice(width, -width)
        value = np.pad(x.value, ((0, 0), (width, width), (width, width), (0, 0)))
        return self.record(value, (x,), lambda gradient: (gradient[:, inner, inner],))

    def largest(self, x: Variable, size: int) -> Variable:
        """Return each size x size square's largest value; what fills no square is left out."""
        samples, rows, columns, channels = x.value.shape
        high, wide = rows // size, columns // size
        whole = (slice(None), slice(high * size), slice(wide * size))
        squares = x.value[whole].reshape(samples, high, size, wide, size, channels)
        lined = squares.transpose(0, 1, 3, 5, 2, 4).reshape(samples, high, wide, channels, -1)
        where = lined.argmax(axis=-1)[..., None]

        def backward(gradient: Array) -> Sequence[Array]:
            spread = np.zeros_like(lined)
            np.put_along_axis(spread, where, gradient[..., None], axis=-1)
            squares = spread.reshape(samples, high, wide, channels, size, size)
            result = np.zeros_like(x.value)
            result[whole] = squares.transpose(0, 1, 4, 2, 5, 3).reshape(result[whole].shape)
            return (result,)

        return self.record(np.take_along_axis(lined, where, axis=-1)[..., 0], (x,), backward)


def logistic(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), which may not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))
