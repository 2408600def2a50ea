"""IMDb's reviews by the mean of their word vectors: Keras 2.0.8's `imdb_fasttext.py`, unigrams."""

from . import imdb
from .training import Training


class ImdbFasttext(Training):
    """Word vectors of 50, their mean, one output; Adam."""

    dataset = "imdb"
    parameters = 1000051
    published_epochs = 5
    small_epochs = 3
    batch_size = 32
    samples = {"small": (1920, 512), "full": (25000, 25000)}
    loss = "binary_crossentropy"
    words = 20000
    length = 400

    def prepare(self, arrays, train, test):
        """Take the last 400 words of each review."""
        self.train, self.test = imdb.split(arrays, train, test, self.words, self.length)
        self.validation = self.test

    def build(self, keras):
        """Return the model and its optimizer."""
        model = keras.sequential(
            keras.input_layer((self.length,), dtype="int32"),
            keras.embedding(self.words, 50),
            keras.global_average_pooling1d(),
            keras.dense(1, "sigmoid"),
        )
        return model, keras.adam(0.001)
