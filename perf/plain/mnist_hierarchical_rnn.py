"""MNIST read row by row by LSTMs."""

from . import training


class MnistHierarchicalRnn(training.Plain):
    """An LSTM over each row's pixels, an LSTM over the rows; RMSprop."""

    dataset = "mnist"
    batch_size = 32

    def setup(self):
        """Load the data, build and compile the model."""
        from keras.layers import LSTM, Dense, Input, TimeDistributed
        from keras.models import Model

        self.train, self.test = training.mnist(128, 64, flat=False)
        image = Input((28, 28, 1))
        rows = TimeDistributed(LSTM(128))(image)
        digit = Dense(10, activation="softmax")(LSTM(128)(rows))
        self.model = Model(image, digit)
        self.model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
