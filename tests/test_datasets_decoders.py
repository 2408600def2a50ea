import hashlib
import io
import json
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kasv.datasets import babi_qa2, cifar10, imdb, mnist, nietzsche
from kasv.datasets.imdb import Review
from kasv.errors import KasvError

RANDOM = np.random.RandomState(0)


def tar_of(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Arrays in MNIST's form, of a few images, whose hashes stand for the published ones."""
    arrays = {
        "x_train": RANDOM.randint(256, size=(5, 28, 28)).astype(np.uint8),
        "y_train": RANDOM.randint(10, size=5).astype(np.uint8),
        "x_test": RANDOM.randint(256, size=(3, 28, 28)).astype(np.uint8),
        "y_test": RANDOM.randint(10, size=3).astype(np.uint8),
    }
    for half in ("train", "test"):
        monkeypatch.setitem(mnist._IMAGES_MD5, half, md5(idx(arrays[f"x_{half}"])))
        monkeypatch.setitem(mnist._LABELS_MD5, half, md5(idx(arrays[f"y_{half}"])))
    return arrays


def idx_archive(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    return tar_of(path, {name: idx(arrays[key]) for name, key in mnist._IDX.items()})


def test_mnist_is_the_same_from_both_files(tmp_path: Path, digits: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "mnist.npz", **digits)
    archive = idx_archive(tmp_path / "a.tgz", digits)
    for decoded in (mnist.decode_npz(tmp_path / "mnist.npz"), mnist.decode_idx(archive)):
        assert sorted(decoded) == sorted(digits)
        for name, array in digits.items():
            np.testing.assert_array_equal(decoded[name], array)


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_mnist_must_have_the_published_hashes(
    tmp_path: Path, digits: dict[str, np.ndarray], name: str
) -> None:
    digits[name] = digits[name] ^ 1
    with pytest.raises(KasvError, match=r"MNIST .* md5 is .*, published is "):
        mnist.decode_idx(idx_archive(tmp_path / "a.tgz", digits))


@pytest.fixture
def photographs(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Labels and images (height, width, colour) of each of six batches of four."""
    batches = {}
    monkeypatch.setattr(cifar10, "_BATCH", 4)
    for name in cifar10._MD5:
        labels = RANDOM.randint(10, size=4).astype(np.uint8)
        images = RANDOM.randint(256, size=(4, 32, 32, 3)).astype(np.uint8)
        batches[name] = labels, images
        monkeypatch.setitem(cifar10._MD5, name, md5(binary(labels, images)))
    return batches


def binary(labels: np.ndarray, images: np.ndarray) -> bytes:
    """The format on the authors' page: per image its label, then 1024 red, green, blue bytes."""
    pairs = zip(labels, images, strict=True)
    return b"".join(
        bytes([label]) + b"".join(image[:, :, colour].tobytes() for colour in range(3))
        for label, image in pairs
    )


def cifar_binary(batches: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, bytes]:
    return {f"cifar-10-batches-bin/{name}.bin": binary(*batches[name]) for name in batches}


def cifar_python(batches: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, bytes]:
    members = {}
    for name, (labels, images) in batches.items():
        planes = images.transpose(0, 3, 1, 2).reshape(4, 3072)
        batch = {b"labels": labels.tolist(), b"data": planes}
        members[f"cifar-10-batches-py/{name}"] = pickle.dumps(batch, protocol=2)
    return members


def cifar_png(batches: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, bytes]:
    members = {}
    for name, (_, images) in batches.items():
        stream = io.BytesIO()
        Image.fromarray(images.reshape(4, 1024, 3)).save(stream, "PNG")
        members[f"package/{name}.png"] = stream.getvalue()
    labels = [label for name in batches for label in batches[name][0].tolist()]
    members["package/test_lables.json"] = json.dumps(labels[20:]).encode()
    members["package/train_lables.json"] = json.dumps(labels[:20]).encode()
    return members


CIFAR_FORMS = [
    (cifar_binary, cifar10.decode_binary),
    (cifar_python, cifar10.decode_python),
    (cifar_png, cifar10.decode_png),
]


@pytest.mark.parametrize(("form", "decode"), CIFAR_FORMS)
def test_cifar10_is_the_same_from_every_file(tmp_path, photographs, form, decode) -> None:
    members = form(photographs)
    backwards = dict(reversed(members.items()))
    arrays = decode(tar_of(tmp_path / "a.tgz", backwards))
    images = np.concatenate([photographs[name][1] for name in cifar10._MD5])
    labels = np.concatenate([photographs[name][0] for name in cifar10._MD5])
    np.testing.assert_array_equal(np.concatenate([arrays["x_train"], arrays["x_test"]]), images)
    np.testing.assert_array_equal(np.concatenate([arrays["y_train"], arrays["y_test"]]), labels)
    assert len(arrays["y_train"]) == len(arrays["x_train"]) == 20


@pytest.mark.parametrize(("form", "decode"), CIFAR_FORMS)
def test_cifar10_must_have_the_published_hashes(tmp_path, photographs, form, decode) -> None:
    labels, images = photographs["test_batch"]
    photographs["test_batch"] = (labels, images ^ 1)
    archive = tar_of(tmp_path / "a.tgz", form(photographs))
    with pytest.raises(KasvError, match="CIFAR-10 test_batch: the decoded data's md5 is"):
        decode(archive)


TRAIN = [
    Review("It's a FILM, a film!<br />a", 1),  # a three times, film and br below it
    Review("bad\tfilm; it's bad-bad", 0),
]
TEST = [Review("Film unseen a", 1), Review("nothing known", 0)]
# bad and film occur thrice, as does a: ties go by first appearance, here a, film, bad; it's twice.
IDS = {"a": 4, "film": 5, "bad": 6, "it's": 7, "br": 8}


def reviews_of(arrays: dict[str, np.ndarray], half: str) -> dict[tuple[int, ...], int]:
    offsets = arrays[f"{half}_offsets"]
    words = np.split(arrays[f"{half}_words"], offsets[1:-1])
    return {tuple(map(int, ids)): int(y) for ids, y in zip(words, arrays[f"y_{half}"], strict=True)}


def test_imdb_is_encoded_as_keras_does() -> None:
    arrays = imdb.encode(TRAIN, TEST)
    first = (1, *(IDS[word] for word in ("it's", "a", "film", "a", "film", "br", "a")))
    second = (1, *(IDS[word] for word in ("bad", "film", "it's", "bad", "bad")))
    assert reviews_of(arrays, "train") == {first: 1, second: 0}


def test_imdb_drops_words_that_training_never_saw() -> None:
    assert reviews_of(imdb.encode(TRAIN, TEST), "test") == {(1, IDS["film"], IDS["a"]): 1, (1,): 0}


def test_imdb_is_shuffled_the_same_every_time() -> None:
    reviews = [Review(f"word{i}", i % 2) for i in range(50)]  # type: ignore[arg-type]
    first, second = (imdb.encode(reviews, reviews) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    in_order = np.arange(50) % 2
    assert (first["y_train"] != in_order).any()


def test_imdb_has_the_promised_types() -> None:
    arrays = imdb.encode(TRAIN, TEST)
    assert {name: array.dtype for name, array in arrays.items()} == {
        "train_words": np.int32,
        "train_offsets": np.int64,
        "y_train": np.uint8,
        "test_words": np.int32,
        "test_offsets": np.int64,
        "y_test": np.uint8,
    }


def test_imdb_halves_are_told_apart_by_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imdb, "_QUARTER", 1)
    texts = [("test", 0), ("train bad", 0), ("test", 1), ("train good", 1)]
    reviews = json.dumps([{"t": text, "s": praise} for text, praise in texts]).encode()
    archive = tar_of(tmp_path / "a.tgz", {"package/reviews.json": reviews})
    arrays = imdb.decode_reviews(archive)
    assert reviews_of(arrays, "train") == {(1, 4, 5): 0, (1, 4, 6): 1}
    assert arrays["test_words"].tolist() == [1, 1]


def test_nietzsche_is_lower_cased_code_points(tmp_path: Path) -> None:
    path = tmp_path / "nietzsche.txt"
    path.write_bytes("Thus Æ\r\n".encode())
    text = nietzsche.decode_text(path)["text"]
    assert text.dtype == np.uint32
    assert text.tolist() == [ord(character) for character in "thus æ\r\n"]


@pytest.fixture(scope="module")
def babi() -> dict[str, np.ndarray]:
    return babi_qa2.generate()


def test_generated_babi_has_the_published_shapes(babi: dict[str, np.ndarray]) -> None:
    for half in ("train", "test"):
        story, question, answer = (babi[f"{part}_{half}"] for part in ("story", "question", "y"))
        assert (story.shape, question.shape, answer.shape) == ((1000, 552), (1000, 5), (1000,))
        assert story.dtype == question.dtype == answer.dtype == np.int32
        assert (np.diff((story > 0).astype(int)) >= 0).all()  # padded on the left
        assert story.max() <= 35


def test_generated_babi_has_the_published_vocabulary(babi: dict[str, np.ndarray]) -> None:
    # As Keras's example prints it for the authors' data.
    assert " ".join(babi["vocabulary"]) == (
        ". ? Daniel John Mary Sandra Where apple back bathroom bedroom discarded down dropped "
        "football garden got grabbed hallway is journeyed kitchen left milk moved office picked "
        "put the there to took travelled up went"
    )


def test_babi_is_generated_the_same_every_time(babi: dict[str, np.ndarray]) -> None:
    again = babi_qa2.generate()
    for name in babi:
        np.testing.assert_array_equal(babi[name], again[name])
    # On every machine and with every numpy, too.
    digest = hashlib.sha256(b"".join(babi[name].tobytes() for name in sorted(babi) if "_" in name))
    assert digest.hexdigest() == "59b702f50953037df764ff92c04169398ccc4db83ea082315562c6630e7a2fd0"


def where_is(story: str, thing: str) -> str:
    """Find an object's room from a story's sentences alone; empty where they do not tell it."""
    rooms: dict[str, str] = {}
    places: dict[str, str] = {}
    carrier = ""
    for sentence in story.split(" . "):
        actor, *words = sentence.removesuffix(" .").split()
        last = words[-1] if words[-1] != "there" else words[-2]
        if last in babi_qa2._PLACES:
            rooms[actor] = last
        elif last == thing:
            taken = words[0] in ("got", "took", "grabbed", "picked")
            assert taken == (carrier == ""), "only what lies is taken, only what is held is dropped"
            assert taken or carrier == actor
            if taken and thing in places:
                assert rooms.get(actor, places[thing]) == places[thing]
            carrier = actor if taken else ""
        if carrier in rooms:
            places[thing] = rooms[carrier]
    return places.get(thing, "")


@pytest.mark.parametrize("half", ["train", "test"])
def test_babi_answers_follow_from_the_stories(babi: dict[str, np.ndarray], half: str) -> None:
    words = ["", *babi["vocabulary"].tolist()]
    rows = zip(babi[f"story_{half}"], babi[f"question_{half}"], babi[f"y_{half}"], strict=True)
    for story, question, answer in rows:
        text = " ".join(words[i] for i in story if i)
        where, verb, article, thing, mark = (words[i] for i in question)
        assert (where, verb, article, mark) == ("Where", "is", "the", "?")
        assert where_is(text, thing) == words[answer]


def test_babi_stories_have_five_questions_each() -> None:
    text = babi_qa2.simulate(np.random.RandomState(1), 50)
    stories = text.split("\n1 ")
    assert [story.count("?") for story in stories] == [5] * 10
    lines = text.splitlines()
    asked = sum("?" in line for line in lines) / len(lines)
    assert 0.2 < asked < 0.5


def test_babi_text_is_read_as_keras_does() -> None:
    text = (
        "1 Mary moved to the bathroom.\n"
        "2 Mary got the milk there.\n"
        "3 Where is the milk? \tbathroom\t2 1\n"
        "4 Mary went back to the kitchen.\n"
        "5 Where is the milk? \tkitchen\t2 4\n"
        "1 John put down the apple.\n"
    )
    first, second = babi_qa2.parse(text)
    assert " ".join(first.story) == "Mary moved to the bathroom . Mary got the milk there ."
    assert first.question == ["Where", "is", "the", "milk", "?"]
    assert (first.answer, second.answer) == ("bathroom", "kitchen")
    assert " ".join(second.story[12:]) == "Mary went back to the kitchen ."
    assert second.story[:12] == first.story


def test_babi_is_read_from_the_authors_archive(tmp_path: Path) -> None:
    random = np.random.RandomState(babi_qa2._SEED)
    folder = "tasks_1-20_v1-2/en/qa2_two-supporting-facts"
    texts = {
        f"{folder}_{half}.txt": babi_qa2.simulate(random, 1000).encode()
        for half in ("train", "test")
    }
    arrays = babi_qa2.decode_archive(tar_of(tmp_path / "a.tgz", texts))
    for name, expected in babi_qa2.generate().items():
        np.testing.assert_array_equal(arrays[name], expected)


def test_babi_of_another_size_is_refused() -> None:
    samples = list(babi_qa2.parse(babi_qa2.simulate(np.random.RandomState(1), 10)))
    with pytest.raises(KasvError, match=r"bAbI: 10 \+ 10 questions of .* expected 1000 \+ 1000"):
        babi_qa2.encode(samples, samples)
