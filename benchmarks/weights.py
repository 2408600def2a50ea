"""Weights as Keras 2 keeps them on TensorFlow, in each dialect's own layout.

Theano's convolution flips its kernel in both directions; keras-mxnet keeps kernels as (out, in,
rows, columns) and may flatten channels first; Keras 1's LSTM may keep an array for each gate.
"""

FLIPPED = ("theano",)


def give(keras, notes, weights):
    """Set the weights of noted layers (`given.Note`) that have any; `weights` has their arrays."""
    weighted = [note for note in notes if note.kind in _SETTERS]
    for note, arrays in zip(weighted, weights):
        _SETTERS[note.kind](keras, note, arrays)


def _set(layer, arrays):
    """Set a layer's arrays; Keras refuses other shapes, but for a bias kept as a row."""
    kept = layer.get_weights()
    if [array.size for array in kept] != [array.size for array in arrays]:
        raise RuntimeError(
            "the layer {} keeps arrays of {}, and those given are {}: add its layout to "
            "benchmarks/weights.py".format(
                layer.name, [array.shape for array in kept], [array.shape for array in arrays]
            )
        )
    layer.set_weights(
        [array.reshape(old.shape) if array.ndim == 1 else array for array, old in zip(arrays, kept)]
    )


def _set_as_it_is(keras, note, arrays):
    _set(note.layer, arrays)


def _set_convolution(keras, note, arrays):
    kernel, bias = arrays
    if keras.backend in FLIPPED:
        kernel = kernel[::-1, ::-1]
    if keras.channels_first:
        kernel = kernel.transpose(3, 2, 0, 1)
    _set(note.layer, [kernel, bias])


def _set_dense(keras, note, arrays):
    kernel, bias = arrays
    if keras.channels_first and note.flattened is not None:
        kernel = _channels_first(kernel, note.flattened)
    _set(note.layer, [kernel, bias])


def _channels_first(kernel, flattened):
    """Order rows as a flattening layer does; from Keras 2.2 on it puts channels last by itself."""
    if getattr(flattened, "data_format", None) == "channels_first":
        return kernel
    channels, rows, columns = flattened.input_shape[1:]
    parts = kernel.reshape(rows, columns, channels, -1)
    return parts.transpose(2, 0, 1, 3).reshape(kernel.shape)


def _set_lstm(keras, note, arrays):
    _set(note.layer, _lstm(note.layer, arrays))


def _lstm(layer, arrays):
    """Return an LSTM's arrays as the layer has them: three, or three for each gate (i, c, f, o)."""
    import numpy

    if len(layer.get_weights()) == len(arrays):
        return arrays
    gates = [numpy.split(array, 4, axis=-1) for array in arrays]
    return [array[gate] for gate in (0, 2, 1, 3) for array in gates]


def _set_bidirectional(keras, note, arrays):
    for layer, part in (
        (note.layer.forward_layer, arrays[:3]),
        (note.layer.backward_layer, arrays[3:]),
    ):
        _set(layer, _lstm(layer, part))


_SETTERS = {
    "bidirectional": _set_bidirectional,
    "conv2d": _set_convolution,
    "dense": _set_dense,
    "embedding": _set_as_it_is,
    "lstm": _set_lstm,
}
