"""One way to say a model for every Keras from 1.2.2 to 3.15: all that differs between them is here.

A model is written against the class `Keras`, in the words of Keras 2. Every hyper-parameter is
named in it, as Keras 2.0.8 had it, because defaults changed from version to version: Adadelta's
learning rate from 1.0 to 0.001, epsilon from 1e-8 to 1e-7. The one departure is the LSTM's
recurrent activation, then a hard sigmoid: it is sigmoid here on every backend, as Keras has it from
2.3 on and as cuDNN needs it. What is left to each version is how it runs a model, not which: graph
or eager, compiled or not, an LSTM's gates as four products or as one (`implementation`; its default
is 0 up to Keras 2.0, then 1, then 2 from 2.3 on).
"""

import importlib
import random

from . import devices

SEED = 1337
EPSILON = 1e-8


def load(release, device, threads):
    """Import the release's Keras on its backend, set up and seeded; fail if it is another."""
    devices.prepare(device, threads)
    backend = importlib.import_module(release.backend)
    devices.configure(release.backend, device, threads)
    keras = _dialect(release)(_module(release, backend), release.backend)
    keras.unrolls = release.unroll
    _verify(release, keras, backend)
    keras.set_up(device, threads)
    keras.set_seed()
    return keras


def _module(release, backend):
    # Importing "tensorflow.keras" would put a stub in its place on TensorFlow 2.13 to 2.15.
    if release.keras_module == "tensorflow.keras":
        return backend.keras
    return importlib.import_module(release.keras_module)


def _dialect(release):
    major = int(release.keras.split(".")[0])
    if release.keras_module == "tensorflow.keras":
        return TensorFlowKeras
    return {1: Keras1, 2: Keras}.get(major, Keras3)


def _verify(release, keras, backend):
    import numpy

    pairs = [
        ("backend", release.backend, keras.active_backend()),
        # torch 2.13.0+cpu is the processor's build of 2.13.0
        (release.backend, release.backend_version, backend.__version__.split("+")[0]),
        ("Keras", release.keras, keras.version()),
        ("numpy", release.numpy, numpy.__version__),
    ]
    for name, pinned, found in pairs:
        if pinned != found:
            raise RuntimeError(
                "{} pins {} {}, but {} is what was imported: build its environment anew".format(
                    release.tag, name, pinned, found
                )
            )


class Keras(object):
    """Multi-backend Keras 2.0 to 2.3, in whose words the models are written."""

    learning_rate = "lr"
    epochs = "epochs"
    unrolls = False  # whether LSTMs are unrolled over time

    def __init__(self, module, backend):
        self.module = module
        self.backend = backend
        self.layers = module.layers
        # With channels last, keras-mxnet leaves its convolutions' weights as they were.
        self.channels_first = backend == "mxnet"
        self.context = {}

    def version(self):
        """Return what Keras calls itself."""
        return self.module.__version__

    def active_backend(self):
        """Return the name of the backend that Keras really runs on."""
        return self.module.backend.backend()

    def set_up(self, device, threads):
        """Choose the order of an image's axes, and hand threads and device to the backend."""
        order = "channels_first" if self.channels_first else "channels_last"
        self.module.backend.set_image_data_format(order)
        self._set_session(device, threads)

    def _set_session(self, device, threads):
        # keras-mxnet 2.2.4.2 trips over any context; alone, it takes a GPU if there is one.
        if self.backend == "mxnet" and self.version() != "2.2.4.2":
            self.context = {"context": ["{}(0)".format(device)]}
        if self.backend == "tensorflow" and self._is_tensorflow_1():
            self.module.backend.set_session(devices.tensorflow_session(threads))

    @staticmethod
    def _is_tensorflow_1():
        import tensorflow

        return tensorflow.__version__.startswith(("0.", "1."))

    def set_seed(self):
        """Seed whatever draws weights, dropout or the order of the samples."""
        import numpy

        random.seed(SEED)
        numpy.random.seed(SEED)
        _SEEDS.get(self.backend, _seed_nothing)()

    # Models

    def sequential(self, *layers):
        """Return a model of layers, one after the other; the first is an `input_layer`."""
        model = self.module.models.Sequential()
        for layer in layers:
            model.add(layer)
        return model

    def model(self, inputs, outputs):
        """Return a model from its inputs to its outputs."""
        return self.module.models.Model(inputs, outputs)

    def compile(self, model, loss, optimizer, metrics):
        """Make a model ready to train."""
        model.compile(loss=loss, optimizer=optimizer, metrics=metrics, **self.context)

    def fit(self, model, x, y, batch_size, validation=None, clock=None):
        """Train for one epoch and return the training loss that Keras reports.

        A `steps.StepClock` is told of each batch's end.
        """
        history = model.fit(
            x,
            y,
            batch_size=batch_size,
            verbose=0,
            shuffle=True,
            validation_data=validation,
            callbacks=[] if clock is None else [self._listener(clock)],
            **{self.epochs: 1},
        )
        return float(history.history["loss"][-1])

    def _listener(self, clock):
        """Return a callback that tells the clock of batches, at no more cost than without it."""

        class Listener(self.module.callbacks.Callback):
            async_safe = True  # else Keras 3 waits for each batch's loss on JAX and PyTorch

            def on_batch_end(self, batch, logs=None):
                clock.batch_ended(batch, logs)

        listener = Listener()
        listener._supports_tf_logs = True  # else tf.keras fetches each batch's loss
        return listener

    def fit_in_order(self, model, x, y, batch_size):
        """Train for one epoch on batches as they stand."""
        model.fit(x, y, batch_size=batch_size, verbose=0, shuffle=False, **{self.epochs: 1})

    def predict(self, model, x, batch_size):
        """Return a model's predictions."""
        return model.predict(x, batch_size=batch_size, verbose=0)

    def weights(self, model):
        """Return each weight array's name and value; these models train all they have."""
        names = [getattr(weight, "path", weight.name) for weight in model.weights]
        return list(zip(names, model.get_weights()))

    def fetch_weight(self, model):
        """Fetch the last layer's bias: it is the smallest, and the last to be known."""
        return self.module.backend.get_value(model.weights[-1])

    # Images

    def image_shape(self, rows, columns, channels):
        """Return an image's shape in the order of axes in use."""
        return (channels, rows, columns) if self.channels_first else (rows, columns, channels)

    def images(self, x):
        """Return images (samples, rows, columns, channels) in the order of axes in use."""
        import numpy

        return numpy.ascontiguousarray(x.transpose(0, 3, 1, 2)) if self.channels_first else x

    # Layers

    def input(self, shape, dtype="float32"):
        """Return the start of a model that is not sequential."""
        return self.layers.Input(shape=shape, dtype=dtype)

    def input_layer(self, shape, dtype="float32"):
        """Return a sequential model's first layer."""
        return self.layers.InputLayer(input_shape=shape, dtype=dtype)

    def dense(self, units, activation):
        """Return a fully connected layer."""
        return self.layers.Dense(
            units,
            activation=activation,
            use_bias=True,
            kernel_initializer="glorot_uniform",
            bias_initializer="zeros",
        )

    def conv2d(self, filters, size, padding, activation):
        """Return a convolution with square kernels."""
        return self.layers.Conv2D(
            filters,
            (size, size),
            strides=(1, 1),
            padding=padding,
            activation=activation,
            use_bias=True,
            kernel_initializer="glorot_uniform",
            bias_initializer="zeros",
        )

    def max_pooling2d(self, size):
        """Return a pooling layer over squares that do not overlap."""
        return self.layers.MaxPooling2D(
            pool_size=(size, size), strides=(size, size), padding="valid"
        )

    def global_average_pooling1d(self):
        """Return the mean over time."""
        return self.layers.GlobalAveragePooling1D()

    def flatten(self):
        """Return a layer that makes one axis of all."""
        return self.layers.Flatten()

    def dropout(self, rate):
        """Return dropout of a share of the values."""
        return self.layers.Dropout(rate)

    def repeat_vector(self, times):
        """Return a layer that repeats a vector over time."""
        return self.layers.RepeatVector(times)

    def add(self, tensors):
        """Return the sum of tensors."""
        return self.layers.add(tensors)

    def embedding(self, words, units):
        """Return a layer that gives each word's vector, uniform in -0.05 to 0.05 at first."""
        return self.layers.Embedding(
            words, units, embeddings_initializer="uniform", mask_zero=False
        )

    def lstm(self, units):
        """Return an LSTM that gives its last output."""
        return self.layers.LSTM(
            units,
            activation="tanh",
            recurrent_activation="sigmoid",
            use_bias=True,
            kernel_initializer="glorot_uniform",
            recurrent_initializer="orthogonal",
            bias_initializer="zeros",
            unit_forget_bias=True,
            dropout=0.0,
            recurrent_dropout=0.0,
            return_sequences=False,
            unroll=self.unrolls,
        )

    def bidirectional(self, layer):
        """Return a recurrent layer run in both directions, the outputs side by side."""
        return self.layers.Bidirectional(layer, merge_mode="concat")

    def distributed(self, layer):
        """Return a layer applied to each time step (asv would time a `time_distributed`)."""
        return self.layers.TimeDistributed(layer)

    # Optimizers

    def sgd(self, rate):
        """Return plain gradient descent."""
        return self._optimizer("SGD", rate, 0.0, momentum=0.0, nesterov=False)

    def rmsprop(self, rate, decay=0.0):
        """Return RMSprop; `decay` shrinks the rate to rate / (1 + decay * updates)."""
        return self._optimizer("RMSprop", rate, decay, rho=0.9, epsilon=EPSILON)

    def adadelta(self, rate):
        """Return Adadelta."""
        return self._optimizer("Adadelta", rate, 0.0, rho=0.95, epsilon=EPSILON)

    def adam(self, rate):
        """Return Adam."""
        return self._optimizer("Adam", rate, 0.0, beta_1=0.9, beta_2=0.999, epsilon=EPSILON)

    def _optimizer(self, name, rate, decay, **settings):
        settings[self.learning_rate] = rate
        return getattr(self.module.optimizers, name)(decay=decay, **settings)


class Keras1(Keras):
    """Keras 1.2.2."""

    epochs = "nb_epoch"

    def set_up(self, device, threads):
        """Choose the order of an image's axes, and hand threads and device to the backend."""
        self.module.backend.set_image_dim_ordering("th" if self.channels_first else "tf")
        self._set_session(device, threads)

    def input_layer(self, shape, dtype="float32"):
        """Return a sequential model's first layer."""
        return self.layers.InputLayer(input_shape=shape, input_dtype=dtype)

    def dense(self, units, activation):
        """Return a fully connected layer."""
        return self.layers.Dense(units, activation=activation, bias=True, init="glorot_uniform")

    def conv2d(self, filters, size, padding, activation):
        """Return a convolution with square kernels."""
        return self.layers.Convolution2D(
            filters,
            size,
            size,
            subsample=(1, 1),
            border_mode=padding,
            activation=activation,
            bias=True,
            init="glorot_uniform",
        )

    def max_pooling2d(self, size):
        """Return a pooling layer over squares that do not overlap."""
        return self.layers.MaxPooling2D(
            pool_size=(size, size), strides=(size, size), border_mode="valid"
        )

    def add(self, tensors):
        """Return the sum of tensors."""
        return self.layers.merge(tensors, mode="sum")

    def embedding(self, words, units):
        """Return a layer that gives each word's vector, uniform in -0.05 to 0.05 at first."""
        return self.layers.Embedding(words, units, init="uniform", mask_zero=False)

    def lstm(self, units):
        """Return an LSTM that gives its last output."""
        return self.layers.LSTM(
            units,
            activation="tanh",
            inner_activation="sigmoid",
            init="glorot_uniform",
            inner_init="orthogonal",
            forget_bias_init="one",
            dropout_W=0.0,
            dropout_U=0.0,
            return_sequences=False,
        )


class TensorFlowKeras(Keras):
    """TensorFlow's own copy of Keras, of TensorFlow 2.0 to 2.15."""

    learning_rate = "learning_rate"

    def version(self):
        """Return what Keras calls itself; TensorFlow 2.13 to 2.15 leave it to the package."""
        if hasattr(self.module, "__version__"):
            return self.module.__version__
        return importlib.import_module("keras").__version__

    def active_backend(self):
        """Return the only backend there is."""
        return "tensorflow"

    def _optimizer(self, name, rate, decay, **settings):
        # The argument `decay` left between 2.10 and 3; this schedule computes what it did.
        if decay:
            schedule = self.module.optimizers.schedules.InverseTimeDecay
            rate = schedule(rate, decay_steps=1, decay_rate=decay)
        settings[self.learning_rate] = rate
        return getattr(self.module.optimizers, name)(**settings)


class Keras3(TensorFlowKeras):
    """Keras 3, on TensorFlow, JAX or PyTorch."""

    def active_backend(self):
        """Return the name of the backend that Keras really runs on."""
        return self.module.backend.backend()

    def set_seed(self):
        """Seed whatever draws weights, dropout or the order of the samples."""
        self.module.utils.set_random_seed(SEED)

    def input_layer(self, shape, dtype="float32"):
        """Return a sequential model's first layer."""
        return self.module.Input(shape=shape, dtype=dtype)

    def fetch_weight(self, model):
        """Fetch the last layer's bias: it is the smallest, and the last to be known."""
        return self.module.ops.convert_to_numpy(model.weights[-1])


def _seed_tensorflow():
    import tensorflow

    if hasattr(tensorflow, "set_random_seed"):
        tensorflow.set_random_seed(SEED)
    else:
        tensorflow.random.set_seed(SEED)


def _seed_cntk():
    import cntk

    cntk.cntk_py.set_fixed_random_seed(1)


def _seed_mxnet():
    import mxnet

    mxnet.random.seed(SEED)


def _seed_nothing():
    """Theano draws its seeds from numpy."""


_SEEDS = {"tensorflow": _seed_tensorflow, "cntk": _seed_cntk, "mxnet": _seed_mxnet}
