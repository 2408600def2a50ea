"""Which weights move when Keras on MXNet trains an LSTM, looped and unrolled."""

import os

os.environ["KERAS_BACKEND"] = "mxnet"

import keras
import mxnet
import numpy
from keras.layers import LSTM, Dense

print("MXNet", mxnet.__version__, "Keras", keras.__version__)
for unroll in (False, True):
    random = numpy.random.RandomState(0)
    x, y = random.randn(64, 10, 3), random.rand(64, 1)
    model = keras.models.Sequential([LSTM(8, input_shape=(10, 3), unroll=unroll), Dense(1)])
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.1))
    before = model.get_weights()
    losses = [float(model.train_on_batch(x, y)) for _ in range(20)]
    print("unroll", unroll, "loss {:.4f} to {:.4f}".format(losses[0], losses[-1]))
    for weight, old, new in zip(model.weights, before, model.get_weights()):
        print("  {:28s} moved by {:.6f}".format(weight.name, abs(new - old).max()))
