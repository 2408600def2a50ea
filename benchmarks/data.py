"""Preprocessing that more than one model needs, in numpy: Keras 3 has none of Keras 2's helpers."""

import numpy as np


def load(path):
    """Open a data set's decoded arrays; they are read one by one, when asked for."""
    return np.load(path)


def scaled(images):
    """Return bytes as float32 in 0 to 1."""
    return images.astype("float32") / 255


def one_hot(classes, count):
    """Return class numbers (samples,) as float32 (samples, count)."""
    rows = np.zeros((len(classes), count), dtype="float32")
    rows[np.arange(len(classes)), np.asarray(classes).astype("int64").reshape(-1)] = 1
    return rows


def reviews(words, offsets, count, vocabulary, length):
    """Return the first `count` reviews as int32 (count, length), as Keras prepares them.

    Words beyond the `vocabulary` most frequent become 2, the mark of an unknown word; what is
    longer than `length` loses its beginning, what is shorter gets zeros in front.
    """
    padded = np.zeros((count, length), dtype="int32")
    for row, (start, end) in enumerate(zip(offsets[:count], offsets[1 : count + 1])):
        review = words[max(start, end - length) : end]
        padded[row, length - len(review) :] = np.where(review < vocabulary, review, 2)
    return padded
