"""What an LSTM of Keras returns, against numpy: the output h or the cell state c."""

import os

os.environ.setdefault("KERAS_BACKEND", "cntk")

import keras
import numpy
from keras.layers import LSTM, InputLayer

UNITS = 8


def sigmoid(x):
    """Return the logistic function."""
    return 1 / (1 + numpy.exp(-x))


def reference(x, kernel, recurrent, bias):
    """Return the last output and the last cell state; gates stand in the order i, f, c, o."""
    h = c = numpy.zeros((len(x), UNITS))
    for step in x.transpose(1, 0, 2):
        i, f, g, o = numpy.split(step.dot(kernel) + h.dot(recurrent) + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * numpy.tanh(g)
        h = sigmoid(o) * numpy.tanh(c)
    return h, c


print("Keras", keras.__version__, "on", keras.backend.backend())
for unroll in (False, True):
    for steps in (2, 28):
        random = numpy.random.RandomState(0)
        x = random.randn(4, steps, 3)
        lstm = LSTM(UNITS, recurrent_activation="sigmoid", unroll=unroll)
        model = keras.models.Sequential([InputLayer(input_shape=(steps, 3)), lstm])
        weights = [random.randn(*weight.shape) for weight in model.get_weights()]
        model.set_weights(weights)
        out = model.predict(x.astype("float32"))
        h, c = reference(x, *weights)
        print(
            "unroll={!s:5} steps={:2d}  |out - h| {:.7f}  |out - c| {:.7f}".format(
                unroll, steps, abs(out - h).max(), abs(out - c).max()
            )
        )
