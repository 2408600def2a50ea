"""Nietzsche's writings as one text, the corpus of Keras's character model."""

from pathlib import Path

import numpy as np

from kasv.datasets.sources import Arrays, File


def decode_text(path: Path) -> Arrays:
    """Return the lower-cased text's code points."""
    text = path.read_bytes().decode("utf-8").lower()
    return {"text": np.frombuffer(text.encode("utf-32-le"), "<u4").astype(np.uint32)}


FILES = (
    File(
        names=("nietzsche.txt",),
        digest="md5:a941bb9acc3a83c1f5186b846bbee663",
        size=600_901,
        decode=decode_text,
        url="https://s3.amazonaws.com/text-datasets/nietzsche.txt",
    ),
)
