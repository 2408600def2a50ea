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
_STEPS = ("step_seconds", "step_cpu_seconds")


def read(path, identity):
    """Return the record at `path`, None where there is none or it is of another training."""
    if not path or not os.path.exists(path):
        return None
    with open(path) as file:
        record = json.load(file)
    return record if record["identity"] == identity else None


def rounds(path, identity):
    """Return the step times that asv's earlier rounds of this training left, oldest first."""
    record = read(path, identity)
    if record is None or record["failure"]:
        return []
    return [*record["earlier_rounds"], {key: blocks(record, key) for key in _STEPS}]


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


def blocks(record, key):
    """Return the seconds a step of each block of this round's steady epochs."""
    return [seconds for epoch in steady(record, key) for seconds in epoch]


def step_samples(record, key):
    """Return the seconds a step of each block, of all rounds in the order in which they ran."""
    earlier = [seconds for one in record["earlier_rounds"] for seconds in one[key]]
    return earlier + blocks(record, key)


def overheads(record):
    """Return the seconds of each steady epoch beside its steps."""
    steps = step_count(record, "samples") * median(blocks(record, "step_seconds"))
    return [epoch - steps for epoch in seconds(record, "steady")]


def step_count(record, samples):
    """Return the steps of an epoch of `samples` or of `published_samples`; the last is a part."""
    return record[samples] / record["batch_size"]


def published_epoch(record):
    """Return the seconds that an epoch of the published data would take, computed.

    Steps and augmentation grow with the data; what else an epoch takes beside its steps does not,
    and waits are left out: they are no work, and end when a timer does.
    """
    augments = steady(record, "augment_seconds")
    rest = [
        over - wait - augment
        for over, wait, augment in zip(overheads(record), waits(record), augments)
    ]
    steps = step_count(record, "published_samples") * median(blocks(record, "step_seconds"))
    growth = record["published_samples"] / record["samples"]
    return steps + growth * median(augments) + median(rest)


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
    accounts = _accounts(record)
    cores = sum(account["core_seconds"] for account in accounts)
    return sum(map(_others, accounts)) / cores if cores else NAN


def waits(record):
    """Return the seconds of each steady epoch in which nobody used a core; [] if not known.

    The epoch's seconds less those in which it computed and those in which others kept it from a
    core. A training that computes on several threads at once never waits by this account.
    """
    return [max(0.0, a["seconds"] - a["cpu_seconds"] - _others(a)) for a in _accounts(record)]


def _accounts(record):
    """Return the steady epochs; none where the processor's account is not known."""
    epochs = [epoch for epoch in record["epochs"] if epoch["kind"] == "steady"]
    return [] if any(epoch["core_seconds"] is None for epoch in epochs) else epochs


def _others(epoch):
    return max(0.0, epoch["busy_seconds"] - epoch["cpu_seconds"])
