"""CIFAR-10 by a convolutional network: Keras 2.0.8's `cifar10_cnn.py`, with its augmentation.

The script augments with Keras's ImageDataGenerator, which Keras 3 lacks and which changed between
versions (threads, interpolation). Here numpy does the same to a whole epoch at once, within the
epoch's time, so that the work is the same everywhere: each image is shifted by up to a tenth of its
height and width, to the nearest pixel, its edge repeated, and every other image is mirrored.
"""

from .training import Training


class Cifar10Cnn(Training):
    """Two blocks of two convolutions and a pooling, one hidden layer; RMSprop with decay."""

    dataset = "cifar10"
    parameters = 1250858
    published_epochs = 20
    batch_size = 32
    samples = {"small": (960, 256), "full": (50000, 10000)}
    # The proof is withheld. By SGD TensorFlow and MXNet end 3.5e-4 from the reference, both at the
    # same float, and JAX 1.5e-7: presumably two values of one pooling window are too close for
    # float32 to order, so that a gradient goes another way. It needs batches without such ties.
    track_deviation = None
    track_optimizer_deviation = None
    track_variant_deviation = None
    track_reproducibility = None
    proof_rate = 0.01
    shift = 0.1

    def prepare(self, arrays, train, test):
        """Scale the images to 0 to 1; the training images stay as they are until `augment`."""
        from . import data

        x_test = self.keras.images(data.scaled(arrays["x_test"][:test]))
        self.train = (
            data.scaled(arrays["x_train"][:train]),
            data.one_hot(arrays["y_train"][:train], 10),
        )
        self.test = x_test, data.one_hot(arrays["y_test"][:test], 10)
        self.validation = self.test

    def augment(self, x):
        """Return the images shifted and mirrored at random, in the backend's order of axes."""
        import numpy as np

        count, height, width, _ = x.shape
        rows = np.arange(height) + _shifts(count, self.shift * height)
        columns = np.arange(width) + _shifts(count, self.shift * width)
        mirrored = np.random.random(count) < 0.5
        columns[mirrored] = columns[mirrored, ::-1]
        rows = rows.clip(0, height - 1)[:, :, None]
        columns = columns.clip(0, width - 1)[:, None, :]
        return self.keras.images(x[np.arange(count)[:, None, None], rows, columns])

    def build(self, keras):
        """Return the model and its optimizer."""
        model = keras.sequential(
            keras.input_layer(keras.image_shape(32, 32, 3)),
            keras.conv2d(32, 3, "same", "relu"),
            keras.conv2d(32, 3, "valid", "relu"),
            keras.max_pooling2d(2),
            keras.dropout(0.25),
            keras.conv2d(64, 3, "same", "relu"),
            keras.conv2d(64, 3, "valid", "relu"),
            keras.max_pooling2d(2),
            keras.dropout(0.25),
            keras.flatten(),
            keras.dense(512, "relu"),
            keras.dropout(0.5),
            keras.dense(10, "softmax"),
        )
        return model, keras.rmsprop(0.0001, decay=1e-6)


def _shifts(count, most):
    """Return (count, 1) whole numbers of pixels, drawn as ImageDataGenerator draws them."""
    import numpy as np

    return np.rint(np.random.uniform(-most, most, (count, 1))).astype("int64")
