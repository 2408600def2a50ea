"""IMDb's reviews by an LSTM in both directions: Keras 2.0.8's `imdb_bidirectional_lstm.py`."""

from . import imdb
from .training import Training


class ImdbBidirectionalLstm(Training):
    """Word vectors of 128, an LSTM of 64 in each direction; Adam."""

    dataset = "imdb"
    parameters = 2658945
    published_epochs = 4
    batch_size = 32
    samples = {"small": (960, 256), "full": (25000, 25000)}
    loss = "binary_crossentropy"
    words = 20000
    length = 100

    def prepare(self, arrays, train, test):
        """Take the last 100 words of each review."""
        self.train, self.test = imdb.split(arrays, train, test, self.words, self.length)
        self.validation = self.test

    def build(self, keras):
        """Return the model and its optimizer."""
        model = keras.sequential(
            keras.input_layer((self.length,), dtype="int32"),
            keras.embedding(self.words, 128),
            keras.bidirectional(keras.lstm(64)),
            keras.dropout(0.5),
            keras.dense(1, "sigmoid"),
        )
        return model, keras.adam(0.001)
