"""Let a tf.data iterator's deletion wait, and have gdb say what its two threads wait in.

Needs root and gdb. The register is that of TensorFlow 2.10.1's wheel for Python 3.10: its
OptimizeLoop keeps the address of `is_cancelled_` there (`movzbl 0x0(%r13)` before each wait).
"""

import os
import subprocess
import tempfile
import threading
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import tensorflow

COMMANDS = """
import gdb
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frames, frame = [], gdb.newest_frame()
    while frame and len(frames) < 12:
        frames.append(frame)
        frame = frame.older()
    names = [(frame.name() or "?").partition("(")[0] for frame in frames]
    loop = [i for i, name in enumerate(names) if name.endswith("Model::OptimizeLoop")]
    if loop or any("RootDataset::Iterator::~Iterator" in name for name in names):
        print("thread", thread.ptid[1])
        print("\\n".join("    " + name for name in names))
    for i in loop:
        flag = int(frames[i].read_register("r13"))
        print("  is_cancelled_ =", int(gdb.selected_inferior().read_memory(flag, 1)[0][0]))
"""


def attach():
    """Have gdb print the two threads' frames."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(COMMANDS)
        file.flush()
        command = ["gdb", "--batch", "-p", str(os.getpid()), "-x", file.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines = done.stdout.decode().splitlines()
    print("\n".join(line for line in lines if line.startswith(("thread", "  "))))


print("TensorFlow", tensorflow.__version__, "process", os.getpid())
cores = os.sched_getaffinity(0)
iterator = iter(tensorflow.data.Dataset.range(10**9).prefetch(tensorflow.data.AUTOTUNE))
next(iterator)
watcher = threading.Timer(8, attach)
watcher.start()
for thread in {int(name) for name in os.listdir("/proc/self/task")} - {os.getpid()}:
    os.sched_setaffinity(thread, {min(cores)})
    if thread != watcher.native_id:
        os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(1))
os.sched_setaffinity(watcher.native_id, cores)
os.sched_setaffinity(0, {min(cores)})
time.sleep(6)  # the autotuner wakes 5.10 and 10.22 s after its start
start = time.perf_counter()
del iterator
print("deleted in {:.2f} s".format(time.perf_counter() - start))
watcher.join()
