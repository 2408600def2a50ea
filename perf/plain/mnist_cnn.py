"""MNIST by a convolutional network."""

from . import training


class MnistCnn(training.Plain):
    """Two convolutions, one pooling, one hidden layer; Adadelta."""

    dataset = "mnist"
    batch_size = 128

    def setup(self):
        """Load the data, build and compile the model."""
        from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
        from keras.models import Sequential

        self.train, self.test = training.mnist(512, 256, flat=False)
        self.model = Sequential(
            [
                Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)),
                Conv2D(64, (3, 3), activation="relu"),
                MaxPooling2D((2, 2)),
                Dropout(0.25),
                Flatten(),
                Dense(128, activation="relu"),
                Dropout(0.5),
                Dense(10, activation="softmax"),
            ]
        )
        self.model.compile("adadelta", "categorical_crossentropy", metrics=["accuracy"])
