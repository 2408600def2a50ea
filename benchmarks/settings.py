"""What the host asks of a benchmark process, read from the `KASV_*` environment variables."""

import collections
import json
import os

SIZES = ("small", "full")
DEVICES = ("cpu", "gpu")

Release = collections.namedtuple(
    "Release", ["tag", "backend", "backend_version", "keras", "keras_module", "numpy", "unroll"]
)


def size():
    """Return the size of the data to train on: `small` or `full`."""
    return _choice("KASV_SIZE", SIZES)


def device():
    """Return the kind of device to train on: `cpu` or `gpu`."""
    return _choice("KASV_DEVICE", DEVICES)


def threads():
    """Return how many threads every backend gets."""
    text = os.environ.get("KASV_THREADS", "1")
    if not text.isdigit() or int(text) < 1:
        raise ValueError("KASV_THREADS is {!r}: set it to a whole number from 1".format(text))
    return int(text)


def release():
    """Return what the release under measurement pins."""
    try:
        return Release(**json.loads(os.environ["KASV_RELEASE"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RuntimeError(
            "KASV_RELEASE does not say which release this is ({}: {}): run the suite with "
            "`asv run` in one of kasv's environments".format(type(error).__name__, error)
        ) from error


def arrays_path(dataset, source):
    """Return where a data set's decoded arrays from a source (`real` or `generated`) lie."""
    folder = os.environ.get("KASV_ARRAYS", "")
    return os.path.join(folder, "{}-{}.npz".format(dataset, source))


def turns_path():
    """Return the socket of a training that takes turns with another, empty where it does not."""
    return os.environ.get("KASV_TURNS", "")


def record_path(model, source):
    """Return where a model's training record belongs, None where the host keeps no records."""
    folder = os.environ.get("KASV_RECORDS")
    return folder and os.path.join(folder, "{}-{}.json".format(model, source))


def _choice(name, choices):
    value = os.environ.get(name, choices[0])
    if value not in choices:
        raise ValueError("{} is {!r}: set it to {}".format(name, value, " or ".join(choices)))
    return value
