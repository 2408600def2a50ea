"""How good a model is, computed from its predictions alone, alike for every backend.

What Keras reports is not comparable: CNTK under Keras 2.3.1 reports the accuracy of one batch
earlier, and Keras 3 averages over batches otherwise than Keras 2. Predictions have one meaning, and
computing them costs what `evaluate` costs.
"""

import numpy as np

SMALLEST = 1e-7  # Keras's own guard against the logarithm of 0


def judge(predictions, targets):
    """Return (accuracy, mean cross-entropy) of predictions of one class or of one bit.

    Both are (samples, classes) arrays; one column means one bit per sample.
    """
    predictions = np.asarray(predictions, dtype="float64").reshape(len(targets), -1)
    if not np.isfinite(predictions).all():
        raise FloatingPointError("the model predicts what is not a number: training diverged")
    targets = np.asarray(targets).reshape(predictions.shape)
    if predictions.shape[1] == 1:
        predictions = np.hstack([1 - predictions, predictions])
        targets = np.hstack([1 - targets, targets])
    right = predictions.argmax(axis=1) == targets.argmax(axis=1)
    likelihood = np.clip((predictions * targets).sum(axis=1), SMALLEST, 1.0)
    return float(right.mean()), float(-np.log(likelihood).mean())


def chance_accuracy(targets):
    """Return the accuracy that a model must exceed to have learned anything.

    That is what always naming the most frequent class of these targets reaches, plus three standard
    errors of a share of so many samples.
    """
    targets = np.asarray(targets, dtype="float64").reshape(len(targets), -1)
    shares = targets.mean(axis=0)
    share = max(shares.max(), 1 - shares.max()) if targets.shape[1] == 1 else shares.max()
    return float(share + 3 * np.sqrt(share * (1 - share) / len(targets)))
