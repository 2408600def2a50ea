"""MNIST by a convolutional network: Keras 2.0.8's `mnist_cnn.py`."""

from . import mnist
from .training import Training


class MnistCnn(Training):
    """Two convolutions, one pooling, one hidden layer; Adadelta with the learning rate of 2017."""

    dataset = "mnist"
    parameters = 1199882
    published_epochs = 12
    batch_size = 128
    samples = {"small": (3840, 512), "full": (60000, 10000)}

    def prepare(self, arrays, train, test):
        """Scale the images to 0 to 1, in the order of axes that the backend takes."""
        self.train, self.test = mnist.split(arrays, train, test, self.keras.images)
        self.validation = self.test

    def build(self, keras):
        """Return the model and its optimizer."""
        model = keras.sequential(
            keras.input_layer(keras.image_shape(28, 28, 1)),
            keras.conv2d(32, 3, "valid", "relu"),
            keras.conv2d(64, 3, "valid", "relu"),
            keras.max_pooling2d(2),
            keras.dropout(0.25),
            keras.flatten(),
            keras.dense(128, "relu"),
            keras.dropout(0.5),
            keras.dense(10, "softmax"),
        )
        return model, keras.adadelta(1.0)
