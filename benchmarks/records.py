"""A training's record: what one training run left for every `track_` function to read.

asv runs each function in a process of its own. The one that trains leaves this record, a JSON file,
and the others read it in milliseconds: so nothing here imports numpy or Keras.

A record is a dict: `identity` (what was trained, where, with which versions), `planned_epochs`,
`failure` (a reason, or None) and `epochs`, a list of dicts, one per epoch, with `kind` (`first`,
`validated` or `steady`), `seconds`, `loss`, `accuracy` and the processor's account of the epoch.
"""

import json
import math
import os

NAN = float("nan")


def read(path, identity):
    """Return the record at `path`, None where there is none or it is of another training."""
    if not path or not os.path.exists(path):
        return None
    with open(path) as file:
        record = json.load(file)
    return record if record["identity"] == identity else None


def write(path, record):
    """Write a record so that a reader finds the old one or the new one, never a part."""
    if not path:
        return
    beside = "{}.{}".format(path, os.getpid())
    with open(beside, "w") as file:
        json.dump(record, file, indent=1)
    os.replace(beside, path)


def seconds(record, kind):
    """Return the seconds of each epoch of a kind."""
    return [epoch["seconds"] for epoch in record["epochs"] if epoch["kind"] == kind]


def steady(record, key):
    """Return what is known of a key from each steady epoch."""
    values = [epoch[key] for epoch in record["epochs"] if epoch["kind"] == "steady"]
    return [value for value in values if value is not None]


def largest(record, key):
    """Return the largest value of a key over the steady epochs, NaN where none is known."""
    return max(steady(record, key), default=NAN)


def final(record, metric):
    """Return a metric after the planned final epoch, NaN where training stopped before it."""
    return after(record, metric, record["planned_epochs"])


def after(record, metric, epoch):
    """Return a metric after an epoch (counted from 1), NaN where there is none."""
    if epoch > len(record["epochs"]):
        return NAN
    value = record["epochs"][epoch - 1][metric]
    return NAN if value is None else value


def median(values):
    """Return the median, NaN of nothing."""
    return quantile(values, 0.5)


def quantile(values, share):
    """Return a quantile, interpolated linearly as numpy does; NaN of nothing."""
    if not values:
        return NAN
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low, high = math.floor(position), math.ceil(position)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def spread(values):
    """Return the interquartile range relative to the median; NaN for less than two values."""
    if len(values) < 2:
        return NAN
    return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values)


def other_load(record):
    """Return the share of the training's cores that others used in the steady epochs."""
    steady = [epoch for epoch in record["epochs"] if epoch["kind"] == "steady"]
    if not steady or any(epoch["core_seconds"] is None for epoch in steady):
        return NAN
    cores = sum(epoch["core_seconds"] for epoch in steady)
    others = sum(epoch["busy_seconds"] - epoch["cpu_seconds"] for epoch in steady)
    return max(0.0, others / cores) if cores else NAN
