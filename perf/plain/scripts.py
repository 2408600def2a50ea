"""The eight models as Keras 2.0.8's examples have them, in Keras 2.0 to 2.3's own words.

Written from their description. What an example leaves to Keras is left to it: hard sigmoid,
`implementation`, epsilon, the types of targets. An example's progress bar, its validation and its
evaluation are left out.
"""

import os
from pathlib import Path

import numpy as np


class Script:
    """One example: its data, its model, its call of `fit`."""

    dataset = ""
    source = "real"
    batch_size = 0

    def __init__(self):
        self.lstm = {}  # what `perf/published.py` changes of Keras's own LSTM

    def load(self, part, count):
        """Return the first `count` samples of a part (`train`, `test`) as (inputs, targets)."""
        path = Path(os.environ["KASV_ARRAYS"]) / f"{self.dataset}-{self.source}.npz"
        return self.data(np.load(str(path)), part, count)

    def data(self, arrays, part, count):
        """Return samples of decoded arrays as the example prepares them."""
        raise NotImplementedError

    def build(self):
        """Return the compiled model."""
        raise NotImplementedError

    def fit(self, model, x, y, epochs):
        """Train for some epochs."""
        model.fit(x, y, batch_size=self.batch_size, epochs=epochs, verbose=0)


class _Images(Script):
    def data(self, arrays, part, count):
        from keras.utils import to_categorical

        x = self.shaped(arrays["x_" + part][:count]).astype("float32")
        return x / 255, to_categorical(arrays["y_" + part][:count], 10)


def _by_channels(x):
    """Return images (samples, rows, columns, channels) in Keras's order of axes."""
    from keras import backend

    first = backend.image_data_format() == "channels_first"
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if first else x


def _image_shape(rows, columns, channels):
    return _by_channels(np.empty((1, rows, columns, channels))).shape[1:]


class MnistMlp(_Images):
    """Two hidden layers of 512; RMSprop."""

    dataset = "mnist"
    batch_size = 128

    def shaped(self, x):
        return x.reshape(-1, 784)

    def build(self):
        from keras.layers import Dense, Dropout
        from keras.models import Sequential
        from keras.optimizers import RMSprop

        model = Sequential()
        model.add(Dense(512, activation="relu", input_shape=(784,)))
        model.add(Dropout(0.2))
        model.add(Dense(512, activation="relu"))
        model.add(Dropout(0.2))
        model.add(Dense(10, activation="softmax"))
        model.compile(RMSprop(), "categorical_crossentropy", metrics=["accuracy"])
        return model


class MnistCnn(_Images):
    """Two convolutions, one pooling, one hidden layer; Adadelta."""

    dataset = "mnist"
    batch_size = 128

    def shaped(self, x):
        return _by_channels(x[:, :, :, None])

    def build(self):
        from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
        from keras.models import Sequential
        from keras.optimizers import Adadelta

        model = Sequential()
        model.add(Conv2D(32, (3, 3), activation="relu", input_shape=_image_shape(28, 28, 1)))
        model.add(Conv2D(64, (3, 3), activation="relu"))
        model.add(MaxPooling2D(pool_size=(2, 2)))
        model.add(Dropout(0.25))
        model.add(Flatten())
        model.add(Dense(128, activation="relu"))
        model.add(Dropout(0.5))
        model.add(Dense(10, activation="softmax"))
        model.compile(Adadelta(), "categorical_crossentropy", metrics=["accuracy"])
        return model


class MnistHierarchicalRnn(_Images):
    """An LSTM over each row's pixels, an LSTM over the rows; RMSprop."""

    dataset = "mnist"
    batch_size = 32

    def shaped(self, x):
        return x[:, :, :, None]

    def build(self):
        from keras.layers import LSTM, Dense, Input, TimeDistributed
        from keras.models import Model

        image = Input((28, 28, 1))
        rows = TimeDistributed(LSTM(128, **self.lstm))(image)
        digit = Dense(10, activation="softmax")(LSTM(128, **self.lstm)(rows))
        model = Model(image, digit)
        model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"])
        return model


class Cifar10Cnn(_Images):
    """Two blocks of two convolutions and a pooling; RMSprop with decay; augmented by Keras."""

    dataset = "cifar10"
    batch_size = 32
    augments = True

    def shaped(self, x):
        return _by_channels(x)

    def build(self):
        from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
        from keras.models import Sequential
        from keras.optimizers import RMSprop

        model = Sequential()
        model.add(Conv2D(32, (3, 3), padding="same", input_shape=_image_shape(32, 32, 3)))
        model.add(Activation("relu"))
        model.add(Conv2D(32, (3, 3)))
        model.add(Activation("relu"))
        model.add(MaxPooling2D(pool_size=(2, 2)))
        model.add(Dropout(0.25))
        model.add(Conv2D(64, (3, 3), padding="same"))
        model.add(Activation("relu"))
        model.add(Conv2D(64, (3, 3)))
        model.add(Activation("relu"))
        model.add(MaxPooling2D(pool_size=(2, 2)))
        model.add(Dropout(0.25))
        model.add(Flatten())
        model.add(Dense(512))
        model.add(Activation("relu"))
        model.add(Dropout(0.5))
        model.add(Dense(10))
        model.add(Activation("softmax"))
        optimizer = RMSprop(lr=0.0001, decay=1e-6)
        model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, model, x, y, epochs):
        from keras.preprocessing.image import ImageDataGenerator

        if not self.augments:
            super().fit(model, x, y, epochs)
            return
        generator = ImageDataGenerator(
            width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True
        )
        # A call ends with a full queue thrown away: ten batches would be too many of a short one.
        model.fit_generator(
            generator.flow(x, y, batch_size=self.batch_size),
            steps_per_epoch=len(x) // self.batch_size,
            epochs=epochs,
            max_queue_size=1,
            verbose=0,
        )


class BabiRnn(Script):
    """The question's LSTM is added to each word of the story; Adam."""

    dataset = "babi_qa2"
    batch_size = 32

    def data(self, arrays, part, count):
        answers = np.zeros((count, 36))
        answers[np.arange(count), arrays["y_" + part][:count]] = 1
        return [arrays["story_" + part][:count], arrays["question_" + part][:count]], answers

    def build(self):
        from keras import layers
        from keras.models import Model

        story = layers.Input((552,), dtype="int32")
        facts = layers.Dropout(0.3)(layers.Embedding(36, 50)(story))
        question = layers.Input((5,), dtype="int32")
        asked = layers.Dropout(0.3)(layers.Embedding(36, 50)(question))
        asked = layers.RepeatVector(552)(layers.LSTM(50, **self.lstm)(asked))
        merged = layers.LSTM(50, **self.lstm)(layers.add([facts, asked]))
        answer = layers.Dense(36, activation="softmax")(layers.Dropout(0.3)(merged))
        model = Model([story, question], answer)
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        return model


class _Reviews(Script):
    dataset = "imdb"
    batch_size = 32
    words = 20000
    length = 0

    def data(self, arrays, part, count):
        from keras.preprocessing.sequence import pad_sequences

        offsets = arrays[part + "_offsets"]
        words = arrays[part + "_words"][: offsets[count]]
        words = np.where(words < self.words, words, 2)
        reviews = [words[offsets[i] : offsets[i + 1]] for i in range(count)]
        return pad_sequences(reviews, maxlen=self.length), arrays["y_" + part][:count].astype(int)


class ImdbFasttext(_Reviews):
    """Word vectors of 50, their mean, one output; Adam."""

    length = 400

    def build(self):
        from keras.layers import Dense, Embedding, GlobalAveragePooling1D
        from keras.models import Sequential

        model = Sequential()
        model.add(Embedding(self.words, 50, input_length=self.length))
        model.add(GlobalAveragePooling1D())
        model.add(Dense(1, activation="sigmoid"))
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        return model


class ImdbBidirectionalLstm(_Reviews):
    """Word vectors of 128, an LSTM of 64 in each direction; Adam."""

    length = 100

    def build(self):
        from keras.layers import LSTM, Bidirectional, Dense, Dropout, Embedding
        from keras.models import Sequential

        model = Sequential()
        model.add(Embedding(self.words, 128, input_length=self.length))
        model.add(Bidirectional(LSTM(64, **self.lstm)))
        model.add(Dropout(0.5))
        model.add(Dense(1, activation="sigmoid"))
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        return model


class LstmTextGeneration(Script):
    """An LSTM of 128 over 40 characters, one-hot as booleans; RMSprop."""

    dataset = "nietzsche"
    batch_size = 128
    characters = 57

    def data(self, arrays, part, count):
        codes = np.searchsorted(np.unique(arrays["text"]), arrays["text"])
        x = np.zeros((count, 40, self.characters), dtype=bool)
        y = np.zeros((count, self.characters), dtype=bool)
        for row in range(count):
            x[row, np.arange(40), codes[row * 3 : row * 3 + 40]] = 1
            y[row, codes[row * 3 + 40]] = 1
        return x, y

    def build(self):
        from keras.layers import LSTM, Activation, Dense
        from keras.models import Sequential
        from keras.optimizers import RMSprop

        model = Sequential()
        model.add(LSTM(128, input_shape=(40, self.characters), **self.lstm))
        model.add(Dense(self.characters))
        model.add(Activation("softmax"))
        model.compile(RMSprop(lr=0.01), "categorical_crossentropy")
        return model
