"""The same 20 SGD steps of a dense net from the same weights, ten times in one process.

With the argument `resource`, on resource variables, TensorFlow 2's kind.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy
import tensorflow
from keras.layers import Dense


def train(operations):
    """Return the loss on a batch, by numpy from predictions, and the first layer's kernel."""
    keras.backend.clear_session()
    options = tensorflow.ConfigProto(
        intra_op_parallelism_threads=1,
        inter_op_parallelism_threads=operations,
        use_per_session_threads=True,  # else the first session's number holds for all
    )
    keras.backend.set_session(tensorflow.Session(config=options))
    layers = [Dense(512, activation="relu", input_shape=(784,)), Dense(512, activation="relu")]
    model = keras.models.Sequential([*layers, Dense(10, activation="softmax")])
    random = numpy.random.RandomState(0)
    model.set_weights([random.randn(*w.shape) * 0.05 for w in model.get_weights()])
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
    x = random.rand(20, 128, 784).astype("float32")
    y = numpy.eye(10, dtype="float32")[random.randint(10, size=(20, 128))]
    for batch in range(20):
        model.train_on_batch(x[batch], y[batch])
    chosen = numpy.sum(y[0] * model.predict(x[0]).astype("float64"), axis=1)
    return -numpy.mean(numpy.log(chosen)), model.get_weights()[0]


if "resource" in sys.argv:
    tensorflow.enable_resource_variables()
print("TensorFlow", tensorflow.__version__, "Keras", keras.__version__, *sys.argv[1:])
for operations in (1, 2):
    losses, kernels = zip(*(train(operations) for _ in range(10)))
    spread = numpy.ptp(kernels, axis=0).max()
    print(
        "operations at a time {}: {} different losses, {:.7f} to {:.7f}, "
        "first kernel differs by {:.1e}".format(
            operations, len(set(losses)), min(losses), max(losses), spread
        )
    )
