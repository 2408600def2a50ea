"""What the same-work proof gives a model: its weights, its batches and a probe, drawn by numpy.

`Noted` stands between a model's `build` and a dialect (`compat.Keras`, or the float64 reference's)
and notes what the model is made of. All else follows from these notes: the same on every release.
"""

import hashlib
import json

SEED = 2017
STEPS = 20
BATCH = 8
PROBE = 4  # samples whose predictions are compared
DRAWS = 1  # raise it when the same notes are given other weights, batches or probes

_LAYERS = (
    "dense",
    "conv2d",
    "max_pooling2d",
    "global_average_pooling1d",
    "flatten",
    "repeat_vector",
    "embedding",
    "lstm",
)
_OPTIMIZERS = ("rmsprop", "adadelta", "adam")
_PASSED_ON = ("model", "add")


class Note(object):
    """A layer that a model asked for: its kind, its arguments, and the dialect's layer."""

    def __init__(self, kind, arguments, layer):
        self.kind = kind
        self.arguments = arguments
        self.layer = layer
        self.flattened = None  # the flattening layer right before a dense one


class Input(object):
    """An input: its shape (of an image: rows, columns, channels) and its type."""

    def __init__(self, shape, dtype):
        self.shape = tuple(shape)
        self.dtype = dtype
        self.is_image = isinstance(shape, _ImageShape)


class _ImageShape(tuple):
    """Rows, columns and channels, in this order."""


class Noted(object):
    """A dialect that notes layers and optimizer in the order of their making, without dropout."""

    def __init__(self, dialect, model):
        self.dialect = dialect
        self._model = model
        self.inputs = []
        self.layers = []
        self.optimizer = None

    def __getattr__(self, name):
        made = getattr(self.dialect, name)
        if name in _LAYERS:
            return lambda *arguments: self._note(name, arguments, made(*arguments))
        if name in _OPTIMIZERS:
            return lambda rate, **settings: self._optimize(name, rate, settings, made)
        if name in _PASSED_ON:
            return made
        raise AttributeError("the same-work proof does not know the dialect's {}".format(name))

    def image_shape(self, rows, columns, channels):
        """Return an image's shape, which `input_layer` will bring into the dialect's order."""
        return _ImageShape((rows, columns, channels))

    def input(self, shape, dtype="float32"):
        """Return the start of a model that is not sequential."""
        self.inputs.append(Input(shape, dtype))
        return self.dialect.input(shape, dtype=dtype)

    def input_layer(self, shape, dtype="float32"):
        """Return a sequential model's first layer."""
        self.inputs.append(Input(shape, dtype))
        if self.inputs[-1].is_image:
            shape = self.dialect.image_shape(*shape)
        return self.dialect.input_layer(shape, dtype=dtype)

    def sequential(self, *layers):
        """Return a model of layers, one after the other; the first is an `input_layer`."""
        return self.dialect.sequential(*[layer for layer in layers if layer is not _as_it_is])

    def dropout(self, rate):
        """Return no layer: what is dropped is random, and keras-mxnet fails at a rate of 0."""
        return _as_it_is

    def bidirectional(self, layer):
        """Return a layer in both directions; it stands for the one that it holds."""
        inner = self.layers.pop()
        return self._note("bidirectional", inner.arguments, self.dialect.bidirectional(layer))

    def distributed(self, layer):
        """Return a layer applied to each time step; the weights are the inner layer's own."""
        made = self.dialect.distributed(layer)
        self.layers.append(Note("distributed", (), made))
        return made

    def _note(self, kind, arguments, layer):
        note = Note(kind, arguments, layer)
        if kind == "dense" and self.layers and self.layers[-1].kind == "flatten":
            note.flattened = self.layers[-1].layer
        self.layers.append(note)
        return layer

    def _optimize(self, name, rate, settings, made):
        rate *= self._model.proof_share
        self.optimizer = (name, dict(settings, rate=rate))
        return made(rate, **settings)

    def facts(self):
        """Return all that decides what is given to the model and what it makes of it."""
        return {
            "draws": [DRAWS, SEED, STEPS, BATCH, PROBE],
            "model": [self._model.loss, self._model.proof_rate],
            "inputs": [[list(one.shape), one.dtype] for one in self.inputs],
            "layers": [[note.kind, list(note.arguments)] for note in self.layers],
            "optimizer": list(self.optimizer),
        }


def _as_it_is(tensor):
    return tensor


def digest(facts):
    """Return a short hash of facts, the same under every Python."""
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def weights(shapes):
    """Return float32 arrays for (kind, array's shapes) pairs: a list for each pair.

    An LSTM's are its kernel, recurrent kernel and bias, with the gates in the order input, forget,
    cell, output; a bidirectional layer's are those forwards, then those backwards.
    """
    import numpy

    draw = numpy.random.RandomState(SEED)
    return [[_weight(draw, kind, shape) for shape in arrays] for kind, arrays in shapes]


def _weight(draw, kind, shape):
    import numpy

    values = draw.uniform(-1, 1, shape) * _limit(kind, shape)
    if len(shape) == 1 and kind in ("lstm", "bidirectional"):
        units = shape[0] // 4
        values[units : 2 * units] += 1  # forget little, so that early steps count
    return values.astype(numpy.float32)


def _limit(kind, shape):
    if len(shape) == 1 or kind == "embedding":
        return 0.1 if len(shape) == 1 else 0.5
    field = 1
    for size in shape[:-2]:
        field *= size
    return (6.0 / (field * (shape[-2] + shape[-1]))) ** 0.5


def batches(noted, loss):
    """Return the training's (inputs, targets) and the probe's inputs; inputs are lists."""
    import numpy

    draw = numpy.random.RandomState(SEED + 1)
    count = STEPS * BATCH
    inputs = [_draw(draw, one, count + PROBE, _words(noted)) for one in noted.inputs]
    targets = _targets(draw, count, noted.layers[-1].arguments[0], loss)
    return [x[:count] for x in inputs], targets, [x[count:] for x in inputs]


def _words(noted):
    return min([note.arguments[0] for note in noted.layers if note.kind == "embedding"] or [0])


def _draw(draw, one, count, words):
    """Draw mostly dark pixels, and words of which few are frequent: they come twice in a batch."""
    values = draw.uniform(0, 1, (count, *one.shape)) ** 4
    return (values * words if one.dtype == "int32" else values).astype(one.dtype)


def _targets(draw, count, classes, loss):
    """Draw targets of which the first classes are more frequent, so that there is what to learn."""
    import numpy

    chosen = draw.uniform(0, 1, count) ** 2
    if loss == "binary_crossentropy":
        return (chosen > 0.5).astype("float32")
    return numpy.eye(classes, dtype="float32")[(chosen * classes).astype("int64")]
