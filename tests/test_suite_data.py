"""The suite's preprocessing and judging, in numpy alone."""

import numpy as np
import pytest

from benchmarks import data, judging
from benchmarks.babi_rnn import BabiRnn
from benchmarks.cifar10_cnn import Cifar10Cnn
from benchmarks.lstm_text_generation import LstmTextGeneration


@pytest.mark.parametrize(
    ("targets", "share"),
    [([[1, 0, 0]] * 60 + [[0, 1, 0]] * 40, 0.6), ([1] * 30 + [0] * 70, 0.7)],
)
def test_chance_is_the_most_frequent_class_and_three_standard_errors(
    targets: list[object], share: float
) -> None:
    expected = share + 3 * np.sqrt(share * (1 - share) / 100)
    assert judging.chance_accuracy(np.array(targets)) == pytest.approx(expected)


def test_one_hot() -> None:
    assert data.one_hot(np.array([[1], [0]], "uint8"), 3).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_reviews_keep_their_end_and_are_padded_in_front() -> None:
    words = np.array([1, 9, 4, 1, 5, 6, 7, 25], "int32")
    offsets = np.array([0, 3, 8])
    assert data.reviews(words, offsets, 2, 20, 4).tolist() == [[0, 1, 9, 4], [5, 6, 7, 2]]


@pytest.mark.parametrize(
    ("predictions", "targets", "accuracy", "loss"),
    [
        ([[0.9, 0.1], [0.2, 0.8]], [[1, 0], [1, 0]], 0.5, -np.log([0.9, 0.2]).mean()),
        ([[0.9], [0.4]], [1, 1], 0.5, -np.log([0.9, 0.4]).mean()),
        ([[0.9], [0.4]], [1, 0], 1.0, -np.log([0.9, 0.6]).mean()),
        ([[0.0, 1.0]], [[1, 0]], 0.0, -np.log(1e-7)),
    ],
)
def test_judge(
    predictions: list[list[float]], targets: list[int], accuracy: float, loss: float
) -> None:
    found = judging.judge(np.array(predictions), np.array(targets))
    assert found == pytest.approx((accuracy, loss))


def test_judge_refuses_what_is_not_a_number() -> None:
    with pytest.raises(FloatingPointError, match="diverged"):
        judging.judge(np.array([[np.nan, 1.0]]), np.array([[1, 0]]))


class ChannelsLast:
    """The one thing that augmenting asks of Keras."""

    @staticmethod
    def images(x: np.ndarray) -> np.ndarray:
        return x


def test_augmenting_shifts_mirrors_and_repeats_the_edge() -> None:
    model = Cifar10Cnn()
    model.keras = ChannelsLast()
    ramp = np.arange(32.0)
    x = np.broadcast_to(ramp[:, None, None] * 100 + ramp[None, :, None], (200, 32, 32, 1))
    np.random.seed(0)
    augmented = model.augment(x.copy())
    assert augmented.shape == x.shape
    rows, columns = augmented[:, :, 0, 0] // 100, augmented[:, 0, :, 0] % 100
    assert {int(row[16]) - 16 for row in rows} == {-3, -2, -1, 0, 1, 2, 3}
    mirrored = [column[0] > column[-1] for column in columns]
    assert 60 < sum(mirrored) < 140
    for row in rows:
        assert set(np.diff(row)) <= {0, 1}


def test_babi_holds_a_twentieth_back() -> None:
    arrays = {
        f"{name}_{part}": np.ones((1000, 3), "int32") if name != "y" else np.ones(1000, "int32")
        for name in ("story", "question", "y")
        for part in ("train", "test")
    }
    model = BabiRnn()
    model.prepare(arrays, *model.samples["full"])
    assert [len(model.train[1]), len(model.validation[1]), len(model.test[1])] == [950, 50, 1000]
    assert [len(column) for column in model.train[0]] == [950, 950]


def test_text_windows_are_followed_by_the_next_character() -> None:
    model = LstmTextGeneration()
    codes = np.random.RandomState(0).permutation(57)
    text = np.concatenate([codes, codes]).astype("uint32")
    model.prepare({"text": text}, 10, 0)
    x, y = model.train
    assert x.shape == (10, 40, 57)
    assert x.dtype == y.dtype == np.float32
    assert x[4].argmax(axis=1).tolist() == text[12:52].tolist()
    assert y.argmax(axis=1).tolist() == text[40:70:3].tolist()
