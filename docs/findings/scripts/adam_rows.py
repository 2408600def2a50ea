"""One step of Adam on an embedding that one word enters 100 times."""

import numpy

try:
    import keras

    backend = keras.backend.backend()
except ImportError:  # TensorFlow 2 before Keras was a package of its own
    from tensorflow import keras

    backend = "tensorflow"

WORDS = 100


def step(dense):
    """Return how far the word moved, and Adam's v, after one step from 0.

    The output is the sum of the word's 100 vectors and the loss minus that, so that each
    occurrence has a gradient of -1/100 and the word one of -1: Adam moves it by its rate, 0.001.
    With `dense` the same is computed from a one-hot matrix and a kernel.
    """
    if dense:
        lookup = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        x = numpy.ones((1, WORDS, 1), "float32")
        layers = [keras.layers.InputLayer((WORDS, 1))]
    else:
        lookup = keras.layers.Embedding(1, 1, embeddings_initializer="zeros")
        x = numpy.zeros((1, WORDS), "int32")
        layers = [keras.layers.InputLayer((WORDS,), dtype="int32")]
    model = keras.Sequential([*layers, lookup, keras.layers.GlobalAveragePooling1D()])
    optimizer = keras.optimizers.Adam(0.001, epsilon=1e-7)
    model.compile(optimizer, lambda y_true, y_pred: -y_pred)
    model.train_on_batch(x, numpy.zeros((1, 1), "float32"))
    variables = optimizer.variables
    variables = variables() if callable(variables) else variables
    v = [v for v in variables if "veloc" in getattr(v, "path", v.name) or "/v" in v.name]
    return float(lookup.get_weights()[0].ravel()[0]), float(numpy.ravel(v[-1].numpy())[0])


print("Keras", keras.__version__, "on", backend)
for dense in (False, True):
    moved, v = step(dense)
    print("{:10s} moved {:.6f}  v {:.3e}".format("one-hot" if dense else "embedding", moved, v))
