"""MNIST by a dense network."""

from . import training


class MnistMlp(training.Plain):
    """Two hidden layers of 512; RMSprop."""

    dataset = "mnist"
    batch_size = 128

    def setup(self):
        """Load the data, build and compile the model."""
        from keras.layers import Dense, Dropout
        from keras.models import Sequential

        self.train, self.test = training.mnist(12000, 2000, flat=True)
        self.model = Sequential(
            [
                Dense(512, activation="relu", input_shape=(784,)),
                Dropout(0.2),
                Dense(512, activation="relu"),
                Dropout(0.2),
                Dense(10, activation="softmax"),
            ]
        )
        self.model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
