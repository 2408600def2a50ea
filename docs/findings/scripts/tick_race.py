"""How often deleting a tf.data iterator waits for its autotuner, by its thread's priority.

One core. With SCHED_IDLE the other threads run only while the deleting one sleeps, with SCHED_FIFO
(for root alone) at once when they are woken. If the wait is a wake-up lost because a flag is set
after it, the first must end it and the second must make it certain.
"""

import os
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import tensorflow

LIFE = 0.2  # seconds; the autotuner wakes 0.14 and 0.30 s after its start
TIMES = 50


def threads():
    """Return the ids of this process's threads."""
    return {int(name) for name in os.listdir("/proc/self/task")}


def delete_one(autotune, policy):
    """Return the seconds that the deletion of an iterator took, and the seconds it lived."""
    data = tensorflow.data.Dataset.range(10**9).prefetch(tensorflow.data.AUTOTUNE)
    options = tensorflow.data.Options()
    options.autotune.enabled = autotune
    start = time.perf_counter()
    iterator = iter(data.with_options(options))
    next(iterator)
    for thread in threads() - {os.getpid()}:
        os.sched_setscheduler(thread, policy, os.sched_param(int(policy == os.SCHED_FIFO)))
    while time.perf_counter() < start + LIFE:
        next(iterator)
    before = time.perf_counter()
    del iterator
    return time.perf_counter() - before, time.perf_counter() - start


os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print("TensorFlow", tensorflow.__version__)
for title, autotune, policy in (
    ("as it is", True, os.SCHED_OTHER),
    ("other threads SCHED_IDLE", True, os.SCHED_IDLE),
    ("other threads SCHED_FIFO", True, os.SCHED_FIFO),
    ("autotune off", False, os.SCHED_OTHER),
):
    found = [delete_one(autotune, policy) for _ in range(TIMES)]
    waits = [life for deletion, life in found if deletion > 0.02]
    line = "{:32s} waited in {:2d} of {}".format(title, len(waits), TIMES)
    if waits:
        line += ", ended at {:.3f} to {:.3f} s".format(min(waits), max(waits))
    print(line)
