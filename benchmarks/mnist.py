"""MNIST's preprocessing, for the three models that train on it."""


def split(arrays, train, test, shaped):
    """Return the first `train` and `test` samples as (images, one-hot digits), images shaped."""
    return _part(arrays, "train", train, shaped), _part(arrays, "test", test, shaped)


def _part(arrays, name, count, shaped):
    from . import data

    images = data.scaled(arrays["x_" + name][:count])[:, :, :, None]
    return shaped(images), data.one_hot(arrays["y_" + name][:count], 10)
