"""The protocol: how every reference model is built, trained, timed and evaluated.

One process trains a model once, epoch by epoch:

1. the first epoch, which holds graph building and compilation: the warm-up, and a result of its
   own. On small data it has two batches only. It must move every weight array, or the training
   fails: keras-mxnet 2.2.4 freezes LSTMs in silence;
2. on full data, one epoch with validation, which is what the articles of 2017 timed;
3. steady epochs without validation until the planned number is reached: each is one sample of
   `time_epoch`, what a user waits for. In each a clock (`steps.py`) reads how long the steps
   themselves take, the headline.

After each epoch, off the clock, the model predicts the test data: that gives accuracy and loss by
epoch. The training leaves a record (`records.py`), from which the `track_` functions (`metrics.py`)
take their values. asv runs functions in the order of their names, so `time_epoch` comes first and
trains; a `track_` function run alone finds no record and trains for itself.
"""

import abc
import atexit
import contextlib
import gc
import math
import os
import timeit

from . import compat, devices, processor, records, settings, steps, turns
from .metrics import Metrics
from .proof import Proved

# Raise it when a change here or in `compat.py` lets the same model time or train differently: asv
# drops results of another version, and keeps them over any other edit.
PROTOCOL = 3
FEWEST_SAMPLES = 3  # steady epochs of a training on full data
WARM_UP_BATCHES = 2  # of the first epoch on small data


class Training(Metrics, Proved):
    """A reference model as asv's benchmark; a model's module says what "The model" lists."""

    # The model
    dataset = ""  # the name of its decoded data; the host reads it from the source
    model_version = 1  # raise it when the model, its data or its hyper-parameters change
    parameters = 0  # how many weights it has, exactly
    batch_size = 0
    samples = {}  # size -> (training samples, test samples)
    loss = "categorical_crossentropy"
    metrics = ("accuracy",)
    validates = True  # whether the published script validates after each epoch

    # asv's attributes: a sample is one epoch, and every sample is of one training
    number = 1
    rounds = 1
    warmup_time = 0

    @abc.abstractmethod
    def prepare(self, arrays, train, test):
        """Set `self.train`, `self.validation` and `self.test` to (inputs, targets) or None.

        `arrays` holds the decoded data; `train` and `test` say how many samples to take of it.
        """

    @abc.abstractmethod
    def build(self, keras):
        """Return the model and its optimizer, written in `compat.Keras`'s words."""

    def augment(self, x):
        """Return the inputs of one epoch; what this costs is part of the epoch."""
        return x

    def __init__(self):
        self.version = "{}.{}".format(PROTOCOL, self.model_version)
        self.size = settings.size()
        self.planned_epochs = self.epochs_on(self.size)
        before = ["first", "validated"] if self.size == "full" and self.validates else ["first"]
        fewest = FEWEST_SAMPLES if self.size == "full" else 1
        self.repeat = max(fewest, self.planned_epochs - len(before))
        self.timeout = 3600 if self.size == "small" else 48 * 3600
        self.model = None
        self.epochs = []
        self.earlier_rounds = []
        self.chance_accuracy = None
        self.clock = 0.0
        self.turns = None

    def timer(self):
        """Return the seconds of steady epochs so far: asv's samples are this clock's differences.

        It stands still while a model is built, compiled, evaluated: `time_epoch` can then do in one
        process all that a training takes, and asv sees the epochs only.
        """
        return self.clock

    # What asv calls

    def setup(self, data, epoch=None):
        """Skip what has no data here."""
        path = settings.arrays_path(self.dataset, data)
        if not os.path.exists(path):
            raise NotImplementedError("there is no {}".format(os.path.basename(path)))

    def time_epoch(self, data):
        """Train for one steady epoch, preceded by the first epochs where it is the first."""
        gc.enable()  # asv's timer switches it off, and a user's training has it on
        with self._keeping_failure(data):
            self._wait_for_turn(data)
            if self.model is None:
                self._begin(data)
            self.clock += self._train_epoch("steady")

    def teardown(self, data, epoch=None):
        """Judge the model after the epoch just trained and keep the record; off the clock."""
        if self.model is not None:
            with self._keeping_failure(data):
                self._judge()
            # True until `_end`: a training that is killed after this epoch has not ended.
            self._save(data, "the training was ended after epoch {}".format(len(self.epochs)))
            self.turns.done()

    def record(self, data):
        """Return the training's record, training for itself where none was left."""
        record = records.read(self._record_path(data), self._identity(data))
        if record is None:
            for _ in range(self.repeat):
                self.time_epoch(data)
                self.teardown(data)
            record = self._record(data, None)
        if record["failure"]:
            raise RuntimeError(record["failure"])
        return record

    # The training

    def _wait_for_turn(self, data):
        if self.turns is None:
            name = "{} on {} data".format(self._identity(data)["model"], data)
            self.turns = turns.Turns(settings.turns_path(), name)
        self.turns.wait()

    @contextlib.contextmanager
    def _keeping_failure(self, data):
        """Leave the reason in the record, so that the `track_` functions need not fail anew."""
        try:
            yield
        except Exception as error:
            self.model = None
            self._save(data, "{}: {}".format(type(error).__name__, error))
            raise

    def _begin(self, data):
        """Load, build and train what lies before the steady epochs."""
        self.earlier_rounds = records.rounds(self._record_path(data), self._identity(data))
        self._save(data, "an earlier process did not survive the first epochs of this training")
        atexit.register(self._end, data)
        self._load(data)
        before = self._build()
        self._train_epoch("first")
        self._prove_that_weights_moved(before)
        if self.size == "full":
            self._judge()
            if self.validates:
                self._train_epoch("validated")
                self._judge()

    def _end(self, data):
        """Leave the record of a training that came to its end."""
        if self.model is not None:
            self._save(data, None)

    def _load(self, data):
        from . import data as preprocessing

        release = settings.release()
        start = timeit.default_timer()
        if settings.device() == "cpu":
            processor.pin(settings.threads())
        self.keras = compat.load(release, settings.device(), settings.threads())
        self.device = devices.prove(release.backend, settings.device(), release.backend_version)
        imported = timeit.default_timer()
        arrays = preprocessing.load(settings.arrays_path(self.dataset, data))
        self.source = str(arrays["source"])
        self.prepare(arrays, *self.samples[self.size])
        self.overhead = {
            "import": imported - start,
            "data": timeit.default_timer() - imported,
            "build": 0.0,
        }

    def _build(self):
        """Build and compile the model; return its weights."""
        start = timeit.default_timer()
        self.model, optimizer = self.build(self.keras)
        self.keras.compile(self.model, self.loss, optimizer, list(self.metrics))
        weights = self.keras.weights(self.model)
        count = sum(value.size for _, value in weights)
        if count != self.parameters:
            raise RuntimeError(
                "the model has {} parameters instead of {}".format(count, self.parameters)
            )
        self.overhead["build"] += timeit.default_timer() - start
        return weights

    def _train_epoch(self, kind):
        """Train for one epoch, closed by a device synchronisation; return its seconds."""
        x, y = self._warm_up() if kind == "first" and self.size == "small" else self.train
        validation = self.validation if kind == "validated" else None
        clock = self._step_clock() if kind == "steady" else None
        with devices.Meter(settings.device() if kind == "steady" else "cpu") as meter:
            before = processor.snapshot()
            start = timeit.default_timer()
            x = self.augment(x)
            augmented = timeit.default_timer()
            loss = self.keras.fit(self.model, x, y, self.batch_size, validation, clock)
            self._synchronise()
            seconds = timeit.default_timer() - start
            account = processor.between(before, processor.snapshot())
        energy = None if meter.power is None else meter.power * seconds
        epoch = {"kind": kind, "seconds": seconds, "augment_seconds": augmented - start}
        epoch.update(reported_loss=loss, loss=loss, accuracy=None)
        epoch.update(gpu_memory=meter.memory, gpu_energy=energy, **account)
        if clock is not None:
            epoch["step_seconds"], epoch["step_cpu_seconds"] = clock.samples()
        self.epochs.append(epoch)
        if not math.isfinite(loss):
            raise FloatingPointError("training diverged: the loss is {}".format(loss))
        return seconds

    def _warm_up(self):
        """Return the first batches of the training data."""
        x, y = self.train
        count = WARM_UP_BATCHES * self.batch_size
        return ([column[:count] for column in x] if isinstance(x, list) else x[:count]), y[:count]

    def _step_clock(self):
        return steps.StepClock(
            len(self.train[1]) // self.batch_size,
            lambda logs: devices.await_batch(self.keras.backend, logs),
        )

    def _synchronise(self):
        devices.synchronise(
            self.keras.backend, settings.device(), lambda: self.keras.fetch_weight(self.model)
        )

    def _prove_that_weights_moved(self, before):
        after = self.keras.weights(self.model)
        frozen = [name for (name, old), (_, new) in zip(before, after) if (old == new).all()]
        if frozen:
            raise RuntimeError(
                "training did not move the weights {}: this release cannot train the "
                "model as it is".format(", ".join(frozen))
            )

    def _judge(self):
        """Fill in the last epoch's accuracy and loss from predictions of the test data.

        A model without test data keeps the training loss that Keras reports, as published.
        """
        if self.test is None:
            return
        from . import judging

        start = timeit.default_timer()
        x, y = self.test
        predictions = self.keras.predict(self.model, x, self.batch_size)
        accuracy, loss = judging.judge(predictions, y)
        seconds = timeit.default_timer() - start
        self.epochs[-1].update(accuracy=accuracy, loss=loss, evaluate_seconds=seconds)
        self.chance_accuracy = judging.chance_accuracy(y)

    # The record

    def _identity(self, data):
        """Return what a training must share with a record for the record to be of it."""
        return {
            "model": type(self).__module__.rsplit(".", 1)[-1],
            "version": self.version,
            "size": self.size,
            "data": data,
            "device": settings.device(),
            "threads": settings.threads(),
            "release": dict(settings.release()._asdict()),
        }

    def _record(self, data, failure):
        record = {"identity": self._identity(data), "failure": failure}
        if self.model is not None:
            record.update(
                planned_epochs=self.planned_epochs,
                samples=len(self.train[1]),
                published_samples=self.samples["full"][0],
                batch_size=self.batch_size,
                chance_accuracy=self.chance_accuracy,
                earlier_rounds=self.earlier_rounds,
                parameters=self.parameters,
                source=self.source,
                device=self.device,
                channels_first=self.keras.channels_first,
                overhead=self.overhead,
                peak_memory=processor.peak_memory(),
                epochs=self.epochs,
            )
        return record

    def _record_path(self, data):
        return settings.record_path(self._identity(data)["model"], data)

    def _save(self, data, failure):
        records.write(self._record_path(data), self._record(data, failure))
