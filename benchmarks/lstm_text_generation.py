"""Nietzsche's next character by an LSTM: Keras 2.0.8's `lstm_text_generation.py`.

The script validates on nothing, so the loss is the training loss that Keras reports and there is no
accuracy. Inputs are float32, which is what every backend computes in; the script's are bool.
"""

from .training import Training


class LstmTextGeneration(Training):
    """An LSTM of 128 over 40 characters; RMSprop."""

    dataset = "nietzsche"
    parameters = 102585
    published_epochs = 10
    batch_size = 128
    samples = {"small": (3840, 0), "full": (200285, 0)}
    proof_share = 0.1  # at the whole rate rounding grows to 4e-4
    metrics = ()
    metric = "loss"
    validates = False
    track_epoch_with_validation = None
    track_accuracy = None
    track_error = None
    length = 40
    step = 3
    characters = 57

    def prepare(self, arrays, train, test):
        """Cut windows of 40 characters, each 3 after the one before, and what follows each."""
        import numpy as np

        from . import data

        text = arrays["text"]
        codes = np.searchsorted(np.unique(text), text)
        starts = np.arange(train) * self.step
        windows = codes[starts[:, None] + np.arange(self.length)]
        x = data.one_hot(windows.reshape(-1), self.characters)
        x = x.reshape(train, self.length, self.characters)
        self.train = x, data.one_hot(codes[starts + self.length], self.characters)
        self.validation = self.test = None

    def build(self, keras):
        """Return the model and its optimizer."""
        model = keras.sequential(
            keras.input_layer((self.length, self.characters)),
            keras.lstm(128),
            keras.dense(self.characters, "softmax"),
        )
        return model, keras.rmsprop(0.01)
