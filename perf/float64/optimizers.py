"""The optimizers as Keras 2.0.8 defined them, and the formulas that other versions have instead.

Each is made with its settings, keeps its state for one weight, and returns what to add to it.
"""

from __future__ import annotations

import numpy as np

from float64.tape import Array, Variable

EPSILON = 1e-8


class Descent:
    """Plain gradient descent."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def change(self, weight: Variable) -> Array:
        """Return -rate * gradient."""
        return -self.rate * weight.gradient


class RmsProp:
    """RMSprop; Keras 3, and TensorFlow's Keras from 2.11 on, put epsilon `inside` the root."""

    def __init__(self, rate: float, decay: float = 0.0, inside: bool = False) -> None:
        self.rate = rate
        self.decay = decay
        self.inside = inside
        self.mean = np.zeros((), "float32")
        self.updates = 0

    def change(self, weight: Variable) -> Array:
        """Return -rate * gradient / root of the gradient's mean square."""
        self.mean = 0.9 * self.mean + 0.1 * weight.gradient**2
        rate = self.rate / (1 + self.decay * self.updates)
        self.updates += 1
        if self.inside:
            return -rate * weight.gradient / np.sqrt(self.mean + EPSILON)
        return -rate * weight.gradient / (np.sqrt(self.mean) + EPSILON)


class Adam:
    """Adam; Keras 3 on TensorFlow squares a repeated row's gradients `separately`, then adds."""

    def __init__(self, rate: float, separately: bool = False) -> None:
        self.rate = rate
        self.separately = separately
        self.first = self.second = np.zeros((), "float32")
        self.updates = 0

    def change(self, weight: Variable) -> Array:
        """Return -rate * the gradient's mean / root of its mean square, the bias taken out."""
        repeated = self.separately and weight.squares.ndim > 0
        squares = weight.squares if repeated else weight.gradient**2
        self.first = 0.9 * self.first + 0.1 * weight.gradient
        self.second = 0.999 * self.second + 0.001 * squares
        self.updates += 1
        rate = self.rate * np.sqrt(1 - 0.999**self.updates) / (1 - 0.9**self.updates)
        return -rate * self.first / (np.sqrt(self.second) + EPSILON)


class Adadelta:
    """Adadelta, epsilon inside both roots."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.gradients = self.changes = np.zeros((), "float32")

    def change(self, weight: Variable) -> Array:
        """Return -rate * gradient * root of changes' mean square / root of gradients'."""
        self.gradients = 0.95 * self.gradients + 0.05 * weight.gradient**2
        ratio = np.sqrt(self.changes + EPSILON) / np.sqrt(self.gradients + EPSILON)
        change = weight.gradient * ratio
        self.changes = 0.95 * self.changes + 0.05 * change**2
        return -self.rate * change


PUBLISHED = {"rmsprop": RmsProp, "adadelta": Adadelta, "adam": Adam}
# What sets the other formula in use, where one is known.
VARIANTS = {"rmsprop": {"inside": True}, "adam": {"separately": True}}
