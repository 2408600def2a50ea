"""Train Keras 2.0.8's mnist_mlp on 6,000 images by JAX and test it on 1,000."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import keras
import numpy

(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x = x[:6000].reshape(-1, 784).astype("float32") / 255
x_test = x_test[:1000].reshape(-1, 784).astype("float32") / 255
keras.utils.set_random_seed(1337)
model = keras.Sequential([keras.Input((784,))])
for _ in range(2):
    model.add(keras.layers.Dense(512, "relu"))
    model.add(keras.layers.Dropout(0.2))
model.add(keras.layers.Dense(10, "softmax"))
model.compile(keras.optimizers.RMSprop(0.001), "categorical_crossentropy")
model.fit(x, numpy.eye(10)[y[:6000]], batch_size=128, epochs=5, verbose=0)
right = (model.predict(x_test, verbose=0).argmax(axis=1) == y_test[:1000]).mean()
print(f"JAX {jax.__version__} {os.environ.get('XLA_FLAGS', 'no flags')}: {right:.3f}")
