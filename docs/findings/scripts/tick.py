"""Seconds of Keras epochs on TensorFlow 2, with tf.data's autotuner and without it."""

import os
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy
import tensorflow

keras = tensorflow.keras


def epochs(samples, autotune):
    """Return wall and processor seconds of epochs 2 to 6."""
    data = tensorflow.data.Dataset.from_tensor_slices((X[:samples], Y[:samples])).batch(128)
    options = tensorflow.data.Options()
    options.autotune.enabled = autotune
    data = data.prefetch(tensorflow.data.AUTOTUNE).with_options(options)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(512, "relu")])
    model.add(keras.layers.Dense(10))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    seconds = []
    for _ in range(6):
        wall, cpu = time.perf_counter(), time.process_time()
        model.fit(data, verbose=0)
        seconds.append((time.perf_counter() - wall, time.process_time() - cpu))
    return seconds[1:]


X = numpy.random.RandomState(0).rand(32768, 784).astype("float32")
Y = numpy.arange(32768) % 10
print("TensorFlow", tensorflow.__version__, "Keras", keras.__version__)
for autotune in (True, False):
    print("autotune", autotune)
    for samples in (2048, 4096, 8192, 16384, 32768):
        walls, cpus = zip(*epochs(samples, autotune))
        text = " ".join("{:.3f}".format(wall) for wall in walls)
        print("{:6d} samples: wall {}  processor {:.3f}".format(samples, text, min(cpus)))
