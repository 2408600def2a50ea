"""The proof that a release does the same work: 20 steps from given weights on given batches.

A model is trained by its own `build` without dropout, first by plain gradient descent, again from
the same weights, then by its own optimizer. What it then predicts of a probe is compared with what
a float64 computation of the same formulas does: `reference.json`, made by `perf/reference.py`.

It is a training of its own that no other figure depends on, so its functions have a version of
their own: asv measures them again only when the proof, the model or the reference changes.
"""

import abc
import contextlib
import functools
import json
import os
import timeit

from . import compat, devices, given, processor, records, settings, weights

PROOF = 1  # raise it when a change here lets the same release be judged differently
REFERENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.json")

FUNCTIONS = {
    "track_deviation": "Return how far 20 steps by SGD end from the reference.",
    "track_optimizer_deviation": "Return how far 20 steps end by the optimizer as of Keras 2.0.8.",
    "track_variant_deviation": "Return how far they end from the optimizer's known other formula.",
    "track_reproducibility": "Return how far two runs of the same 20 steps by SGD end apart.",
}


class Proved(abc.ABC):
    """Gives a model the four functions of the proof; `Training` says what the model is."""

    model_version = 1
    loss = ""
    # In 20 steps predictions must move by a tenth or more, and rounding must stay under 1e-5.
    proof_rate = 0.1  # of plain gradient descent
    proof_share = 1  # of the model's own optimizer's rate

    def __init_subclass__(cls, **kwargs):
        """Give each model functions of their own, with the version of its own reference."""
        super().__init_subclass__(**kwargs)
        version = _version(cls)
        for name, text in FUNCTIONS.items():
            if name not in cls.__dict__:  # a model whose proof is withheld sets them to None
                setattr(cls, name, _tracking(name, text, version))

    @abc.abstractmethod
    def build(self, keras):
        """Return the model and its optimizer."""

    def proof(self):
        """Return the proof's record, made first where there is none.

        Raises:
            RuntimeError: the release cannot train the model, or the reference is of another model.
        """
        path = settings.record_path(_name(type(self)), "proof")
        record = records.read(path, self._proof_identity())
        if record is None:
            record = self._prove(path)
        if record["failure"]:
            raise RuntimeError(record["failure"])
        return record

    def _prove(self, path):
        record = {"identity": self._proof_identity()}
        lost = dict(record, failure="an earlier process did not survive this proof")
        records.write(path, lost)
        try:
            record.update(prove(self, load()), failure=None)
        except Exception as error:
            record["failure"] = "{}: {}".format(type(error).__name__, error)
            records.write(path, record)
            raise
        records.write(path, record)
        return record

    def _proof_identity(self):
        return {
            "model": _name(type(self)),
            "version": _version(type(self)),
            "device": settings.device(),
            "threads": settings.threads(),
            "release": dict(settings.release()._asdict()),
        }


def _tracking(name, text, version):
    def track(self, data):
        if name == "track_variant_deviation" and not _entries()[_name(type(self))]["variant"]:
            return records.NAN
        return self.proof()[name[len("track_") :]]

    track.__name__ = name
    track.__doc__ = text
    track.unit = "relative"
    track.version = version
    return track


def _name(model):
    return model.__module__.rsplit(".", 1)[-1]


def _version(model):
    entry = given.digest(_entries().get(_name(model)))
    return "proof {}.{}.{}".format(PROOF, model.model_version, entry)


@functools.lru_cache(maxsize=1)
def _entries():
    if not os.path.exists(REFERENCE):
        return {}
    with open(REFERENCE) as file:
        return json.load(file)


def load():
    """Return the release's Keras, on as many cores as it has threads."""
    release = settings.release()
    if settings.device() == "cpu":
        processor.pin(settings.threads())
    keras = compat.load(release, settings.device(), settings.threads())
    devices.prove(release.backend, settings.device(), release.backend_version)
    return keras


def prove(model, keras):
    """Train a model three times for 20 steps; return the deviations and the seconds it took."""
    proof = _Proof(model, keras)
    descent = keras.sgd(model.proof_rate)
    first, again = proof.run("descent", descent, times=2)
    (own,) = proof.run("optimizer", proof.optimizer, times=1)
    reference = proof.reference
    return {
        "deviation": deviation(first, reference["descent"]),
        "optimizer_deviation": deviation(own, reference["optimizer"]),
        "variant_deviation": reference["variant"] and deviation(own, reference["variant"]),
        "reproducibility": deviation(again, first),
        "seconds": proof.seconds,
    }


def deviation(predictions, reference):
    """Return the largest difference between predictions, relative to the largest in size."""
    import numpy

    reference = numpy.asarray(reference, dtype="float64")
    predictions = numpy.asarray(predictions, dtype="float64").reshape(reference.shape)
    if not numpy.isfinite(predictions).all():
        raise FloatingPointError("the model predicts what is not a number: training diverged")
    return float(abs(predictions - reference).max() / abs(reference).max())


class _Proof(object):
    """A model built for its proof, and what it is given."""

    def __init__(self, model, keras):
        self.seconds = {}
        self._keras = keras
        self._loss = model.loss
        self._noted = given.Noted(keras, model)
        with self._counting("build"):
            self._model, self.optimizer = model.build(self._noted)
        self.reference = _reference(model, self._noted)
        self._weights = given.weights(self.reference["weights"])
        x, self._y, probe = given.batches(self._noted, model.loss)
        self._x, self._probe = self._inputs(x), self._inputs(probe)

    def run(self, name, optimizer, times):
        """Compile and return the predictions after each of so many trainings."""
        with self._counting(name):
            self._keras.compile(self._model, self._loss, optimizer, [])
            return [self._train() for _ in range(times)]

    def _train(self):
        weights.give(self._keras, self._noted.layers, self._weights)
        self._keras.fit_in_order(self._model, self._x, self._y, given.BATCH)
        return self._keras.predict(self._model, self._probe, given.PROBE)

    def _inputs(self, arrays):
        ordered = [
            self._keras.images(array) if one.is_image else array
            for one, array in zip(self._noted.inputs, arrays)
        ]
        return ordered if len(ordered) > 1 else ordered[0]

    @contextlib.contextmanager
    def _counting(self, name):
        start = timeit.default_timer()
        yield
        self.seconds[name] = timeit.default_timer() - start


def _reference(model, noted):
    """Return the reference of a model; fail where it is of another."""
    name = _name(type(model))
    entry = _entries().get(name)
    if entry is None or entry["of"] != given.digest(noted.facts()):
        raise RuntimeError(
            "benchmarks/reference.json holds no float64 reference of this {}: compute it anew by "
            "`python perf/reference.py {}`".format(name, name)
        )
    return entry
