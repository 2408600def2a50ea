"""MNIST read row by row by LSTMs: Keras 2.0.8's `mnist_hierarchical_rnn.py`."""

from . import mnist
from .training import Training


class MnistHierarchicalRnn(Training):
    """An LSTM over each row's pixels, an LSTM over the rows; RMSprop."""

    dataset = "mnist"
    parameters = 199434
    published_epochs = 5
    batch_size = 32
    samples = {"small": (960, 256), "full": (60000, 10000)}

    def prepare(self, arrays, train, test):
        """Scale the images to 0 to 1; a row's step is one pixel with one channel."""
        self.train, self.test = mnist.split(arrays, train, test, lambda x: x)
        self.validation = self.test

    def build(self, keras):
        """Return the model and its optimizer."""
        image = keras.input((28, 28, 1))
        rows = keras.distributed(keras.lstm(128))(image)
        columns = keras.lstm(128)(rows)
        digit = keras.dense(10, "softmax")(columns)
        return keras.model(image, digit), keras.rmsprop(0.001)
