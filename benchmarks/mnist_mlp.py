"""MNIST by a dense network: Keras 2.0.8's `mnist_mlp.py`."""

from . import mnist
from .training import Training


class MnistMlp(Training):
    """Two hidden layers of 512; RMSprop."""

    dataset = "mnist"
    parameters = 669706
    published_epochs = 20
    small_epochs = 3
    batch_size = 128
    samples = {"small": (7680, 1000), "full": (60000, 10000)}

    def prepare(self, arrays, train, test):
        """Flatten each image to 784 values in 0 to 1."""
        self.train, self.test = mnist.split(arrays, train, test, lambda x: x.reshape(-1, 784))
        self.validation = self.test

    def build(self, keras):
        """Return the model and its optimizer."""
        model = keras.sequential(
            keras.input_layer((784,)),
            keras.dense(512, "relu"),
            keras.dropout(0.2),
            keras.dense(512, "relu"),
            keras.dropout(0.2),
            keras.dense(10, "softmax"),
        )
        return model, keras.rmsprop(0.001)
