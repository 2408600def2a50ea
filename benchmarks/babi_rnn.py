"""bAbI's second task, questions about a story, by LSTMs: Keras 2.0.8's `babi_rnn.py`.

As published, a twentieth of the training stories validates each epoch; the test stories judge.
"""

from .training import Training


class BabiRnn(Training):
    """Word vectors of 50; the question's LSTM is added to each word of the story; Adam."""

    dataset = "babi_qa2"
    params = [["real", "generated"]]
    parameters = 45836
    published_epochs = 40
    batch_size = 32
    samples = {"small": (960, 256), "full": (950, 1000)}
    stories = 1000
    words = 36
    story_length = 552
    question_length = 5
    units = 50

    def prepare(self, arrays, train, test):
        """Hold the last of the training stories back for validation: as published, a twentieth."""
        stories = self._part(arrays, "train", self.stories)
        self.train = _slice(stories, slice(None, train))
        self.validation = _slice(stories, slice(train, None))
        self.test = self._part(arrays, "test", test)

    def _part(self, arrays, name, count):
        from . import data

        inputs = [arrays["story_" + name][:count], arrays["question_" + name][:count]]
        return inputs, data.one_hot(arrays["y_" + name][:count], self.words)

    def build(self, keras):
        """Return the model and its optimizer."""
        story = keras.input((self.story_length,), dtype="int32")
        facts = keras.dropout(0.3)(keras.embedding(self.words, self.units)(story))
        question = keras.input((self.question_length,), dtype="int32")
        asked = keras.dropout(0.3)(keras.embedding(self.words, self.units)(question))
        asked = keras.repeat_vector(self.story_length)(keras.lstm(self.units)(asked))
        merged = keras.dropout(0.3)(keras.lstm(self.units)(keras.add([facts, asked])))
        answer = keras.dense(self.words, "softmax")(merged)
        return keras.model([story, question], answer), keras.adam(0.001)


def _slice(part, where):
    inputs, answers = part
    return [column[where] for column in inputs], answers[where]
