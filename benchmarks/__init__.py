"""The suite: eight reference models of Keras, each trained and timed by one protocol.

It runs inside the pinned environments (Python 3.6 to 3.13, numpy, Keras and its backend). Start
with `training.py`; a model's module, `mnist_mlp.py` say, shows what one looks like.
"""
