"""IMDb's preprocessing, for the two models that train on it."""


def split(arrays, train, test, words, length):
    """Return the first `train` and `test` reviews as (word numbers, 0 or 1)."""
    return _part(arrays, "train", train, words, length), _part(arrays, "test", test, words, length)


def _part(arrays, name, count, words, length):
    from . import data

    x = data.reviews(arrays[name + "_words"], arrays[name + "_offsets"], count, words, length)
    return x, arrays["y_" + name][:count].astype("float32")
