r"""bAbI's second task (Weston et al. 2015): where is an object that someone carries about?

The authors made their stories with a program. Where their archive is not to be had, this module
simulates the world that they describe: four people in six rooms take, carry and drop three objects.
Either way the stories are read from the task's own text format: numbered lines, the number 1
beginning a story, a question with its answer after a tab (`3 Where is the milk? \tkitchen\t1 2`).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kasv.datasets.archives import read_members
from kasv.datasets.sources import Arrays, File
from kasv.errors import KasvError

STORY_WORDS = 552
QUESTION_WORDS = 5
VOCABULARY = 35
QUESTIONS = 1_000

_ACTORS = ("Mary", "John", "Sandra", "Daniel")
_PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
_OBJECTS = ("apple", "football", "milk")
_MOVE = ("moved to", "went to", "journeyed to", "travelled to", "went back to")
_GET = ("got", "took", "grabbed", "picked up")
_DROP = ("dropped", "left", "discarded", "put down")
_ANYWHERE = ("", " there")
_QUESTIONS_PER_STORY = 5
_SEED = 2015


class Sample(NamedTuple):
    """All statements so far, a question about them, and its answer of one word."""

    story: list[str]
    question: list[str]
    answer: str


def decode_archive(path: Path) -> Arrays:
    """Read the English task with 1,000 questions from the authors' archive."""
    names = [
        f"tasks_1-20_v1-2/en/qa2_two-supporting-facts_{half}.txt" for half in ("train", "test")
    ]
    texts = {name: data.decode("ascii") for name, data in read_members(path, *names)}
    return encode(*(list(parse(texts[name])) for name in names))


def generate() -> Arrays:
    """Simulate 1,000 training and 1,000 test questions, the same on every machine."""
    # RandomState's numbers never change between numpy's versions.
    random = np.random.RandomState(_SEED)
    return encode(*(list(parse(simulate(random, QUESTIONS))) for _ in ("train", "test")))


def simulate(random: np.random.RandomState, questions: int) -> str:
    """Return stories in the task's text format, without the numbers of the supporting facts.

    A story that is longer than the longest of the authors' is told anew.
    """
    stories: list[str] = []
    while len(stories) * _QUESTIONS_PER_STORY < questions:
        lines = _World(random).tell()
        if sum(len(_words(line)) for line in lines if "?" not in line) <= STORY_WORDS:
            stories += ["".join(f"{number} {line}\n" for number, line in enumerate(lines, 1))]
    return "".join(stories)


class _World:
    """People and objects in rooms, and what a listener has been told of them."""

    def __init__(self, random: np.random.RandomState) -> None:
        self._random = random
        self._actors = {actor: self._pick(_PLACES) for actor in _ACTORS}
        self._objects = {thing: self._pick(_PLACES) for thing in _OBJECTS}
        self._carriers: dict[str, str] = {}
        self._seen: set[str] = set()  # the people whose room has been told
        self._known: set[str] = set()  # the objects whose room follows from what has been told

    def tell(self) -> list[str]:
        """Return the lines of one story; about every second step ends in a question."""
        lines: list[str] = []
        asked = 0
        while asked < _QUESTIONS_PER_STORY:
            lines.append(self._act())
            if self._known and self._random.randint(2):
                lines.append(self._ask())
                asked += 1
        return lines

    def _pick(self, options: tuple[str, ...]) -> str:
        return options[self._random.randint(len(options))]

    def _act(self) -> str:
        """Let a random actor do a random thing that is possible."""
        while True:
            actor = self._pick(_ACTORS)
            action = (self._move, self._get, self._drop)[self._random.randint(3)]
            if sentence := action(actor):
                return sentence

    def _move(self, actor: str) -> str:
        """Take an actor and what he carries to another room."""
        here = self._actors[actor]
        place = self._pick(tuple(other for other in _PLACES if other != here))
        self._actors[actor] = place
        self._seen.add(actor)
        for thing in self._carried(actor):
            self._objects[thing] = place
            self._known.add(thing)
        return f"{actor} {self._pick(_MOVE)} the {place}."

    def _get(self, actor: str) -> str:
        """Let an actor take an object that lies in his room; empty where none does."""
        here = self._actors[actor]
        lying = tuple(
            thing
            for thing, place in self._objects.items()
            if place == here and thing not in self._carriers
        )
        if not lying:
            return ""
        thing = self._pick(lying)
        self._carriers[thing] = actor
        if actor in self._seen:
            self._known.add(thing)
        return f"{actor} {self._pick(_GET)} the {thing}{self._pick(_ANYWHERE)}."

    def _drop(self, actor: str) -> str:
        """Let an actor leave an object that he carries; empty where he carries none."""
        carried = self._carried(actor)
        if not carried:
            return ""
        thing = self._pick(carried)
        del self._carriers[thing]
        return f"{actor} {self._pick(_DROP)} the {thing}{self._pick(_ANYWHERE)}."

    def _carried(self, actor: str) -> tuple[str, ...]:
        return tuple(thing for thing, carrier in self._carriers.items() if carrier == actor)

    def _ask(self) -> str:
        """Ask for an object whose room is known."""
        thing = self._pick(tuple(sorted(self._known)))
        return f"Where is the {thing}? \t{self._objects[thing]}"


def parse(text: str) -> Iterator[Sample]:
    """Yield the questions of a task's text, each with all statements of its story before it."""
    story: list[str] = []
    for line in text.splitlines():
        number, _, rest = line.partition(" ")
        if number == "1":
            story = []
        if "\t" in rest:
            question, answer = rest.split("\t")[:2]
            yield Sample(story.copy(), _words(question), answer)
        else:
            story += _words(rest)


def _words(sentence: str) -> list[str]:
    """Cut a sentence into words and punctuation, as Keras's example does."""
    return re.findall(r"\w+|[^\w\s]", sentence)


def encode(train: list[Sample], test: list[Sample]) -> Arrays:
    """Number the words by the sorted vocabulary, from 1, and pad on the left with 0.

    Raises KasvError where the shapes are not those of the published task.
    """
    samples = train + test
    words = {word for story, question, answer in samples for word in (*story, *question, answer)}
    vocabulary = sorted(words)
    ids = {word: number for number, word in enumerate(vocabulary, 1)}
    if (len(train), len(test), len(ids)) != (QUESTIONS, QUESTIONS, VOCABULARY):
        raise KasvError(
            f"bAbI: {len(train)} + {len(test)} questions of {len(ids)} words, expected "
            f"{QUESTIONS} + {QUESTIONS} of {VOCABULARY}"
        )
    arrays: Arrays = {"vocabulary": np.array(vocabulary)}
    for half, chosen in (("train", train), ("test", test)):
        arrays[f"story_{half}"] = _pad([s.story for s in chosen], ids, STORY_WORDS)
        arrays[f"question_{half}"] = _pad([s.question for s in chosen], ids, QUESTION_WORDS)
        arrays[f"y_{half}"] = np.array([ids[s.answer] for s in chosen], np.int32)
    return arrays


def _pad(texts: list[list[str]], ids: dict[str, int], length: int) -> npt.NDArray[np.int32]:
    """Return a row of ids per text, filled with 0 on the left."""
    rows = np.zeros((len(texts), length), np.int32)
    for row, words in zip(rows, texts, strict=True):
        row[length - len(words) :] = [ids[word] for word in words]
    return rows


FILES = (
    File(
        names=("tasks_1-20_v1-2.tar.gz", "babi-tasks-v1-2.tar.gz"),
        # Stands in the dataset_infos.json of huggingface/datasets' babi_qa.
        digest="sha256:0364ebde659f14d11bc21744516c5ec49d3d06cb692733f66680771244998898",
        size=15_719_851,
        decode=decode_archive,
        url="http://www.thespermwhale.com/jaseweston/babi/tasks_1-20_v1-2.tar.gz",
    ),
)
