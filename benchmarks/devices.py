"""Threads and devices: the same number of threads for every backend, and proof of the GPU.

`prepare` must run before numpy or a backend is imported: most of these settings are read only then.
"""

import contextlib
import ctypes.util
import os
import subprocess
import tempfile

_POOLS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "MXNET_CPU_WORKER_NTHREADS",
    "NPROC",  # XLA sizes its thread pool by it
)


def prepare(device, threads):
    """Set what the backends read from the environment when they are imported."""
    for variable in _POOLS:
        os.environ[variable] = str(threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Theano's own default of float64 is not what Keras computes in.
    theano = {"cpu": "cpu", "gpu": "cuda"}[device]
    _append("THEANO_FLAGS", "floatX=float32,device=" + theano, ",")
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        os.environ["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        _append("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false", " ")


def _append(variable, value, separator):
    before = os.environ.get(variable)
    os.environ[variable] = before + separator + value if before else value


def configure(backend, device, threads):
    """Apply the settings that a backend takes only once it is imported."""
    if backend == "tensorflow":
        _configure_tensorflow(device, threads)
    elif backend == "torch":
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(threads)
    elif backend == "theano":
        import theano.ifelse  # noqa: F401  # Keras 2.1.0 uses it and does not import it
    elif backend == "cntk" and device == "cpu":
        import cntk

        cntk.device.try_set_default_device(cntk.device.cpu())


def _configure_tensorflow(device, threads):
    import tensorflow

    if tensorflow.__version__.startswith(("0.", "1.")):
        return  # its threads belong to a session: `tensorflow_session`
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    if device == "gpu":
        for gpu in tensorflow.config.experimental.list_physical_devices("GPU"):
            tensorflow.config.experimental.set_memory_growth(gpu, True)


def tensorflow_session(threads):
    """Return a TensorFlow 1 session with so many threads and no more GPU memory than it needs.

    Each operation gets `threads`, but two operations at a time is the least that trains rightly:
    one at a time, TensorFlow 1 assigns a variable of Keras's before other operations have read it,
    and a network whose loss should fall sees it grow (mnist_cnn on 1.3 and 1.14: 8 instead of 0.7;
    with resource variables, TensorFlow 2's kind, it is 0.7 either way).
    """
    import tensorflow

    config = tensorflow.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=max(2, threads)
    )
    config.gpu_options.allow_growth = True
    return tensorflow.Session(config=config)


def synchronise(backend, device, weights):
    """Wait until the device has done everything that training asked of it.

    MXNet computes asynchronously even on a CPU; the others only on a GPU, where fetching a weight
    waits for the kernels queued before it. `weights` fetches one.
    """
    if backend == "mxnet":
        import mxnet

        mxnet.nd.waitall()
    elif device == "gpu" and backend == "torch":
        import torch

        torch.cuda.synchronize()
    elif backend == "jax" or device == "gpu":
        weights()


def await_batch(backend, logs):
    """Wait until the device has trained on the batch that ended with these logs.

    Its loss is known only then, but for MXNet, whose updates go on behind it.
    """
    if backend == "mxnet":
        import mxnet

        mxnet.nd.waitall()
    else:
        float(logs["loss"])


def prove(backend, device, version):
    """Return the device's name; fail where a GPU was asked for and the backend runs on none."""
    if device == "cpu":
        return "cpu"
    try:
        gpus = _GPUS[backend]()
    except Exception as error:  # each backend has its own way to say that there is no GPU
        gpus = []
        reason = "{}: {}".format(type(error).__name__, error)
    else:
        reason = "it lists no GPU"
    if not gpus:
        raise RuntimeError(
            "KASV_DEVICE=gpu was asked for, but {} {} runs on no GPU ({}). Found here: {}. "
            "Measure it with KASV_DEVICE=cpu, or install what its GPU build needs".format(
                backend, version, reason, found()
            )
        )
    return query("name") or gpus[0]


def found():
    """Say what this machine has of a GPU: the driver, CUDA's and cuDNN's libraries."""
    driver = query("driver_version")
    name = query("name")
    parts = ["{} with driver {}".format(name, driver) if driver else "no answer from nvidia-smi"]
    for title, library in (("CUDA runtime", "cudart"), ("cuDNN", "cudnn")):
        parts.append("{} {}".format(title, ctypes.util.find_library(library) or "not found"))
    return ", ".join(parts)


def query(field):
    """Return what nvidia-smi says of a field of the first GPU, empty where it says nothing."""
    command = ["nvidia-smi", "--query-gpu=" + field, "--format=csv,noheader,nounits", "--id=0"]
    try:
        output = subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return output.decode("utf-8", "replace").strip().splitlines()[0].strip() if output else ""


class Meter(object):
    """Meter the first GPU's memory and power while a `with` block runs; nothing on a CPU.

    nvidia-smi samples it from outside ten times a second, so the process that is timed does nothing
    for it. After the block `memory` holds the largest use in bytes and `power` the mean in watts,
    None where there was no sample.
    """

    _COMMAND = (
        "nvidia-smi",
        "--query-gpu=memory.used,power.draw",
        "--format=csv,noheader,nounits",
        "--id=0",
        "--loop-ms=100",
    )

    def __init__(self, device):
        self.active = device == "gpu"
        self.memory = None
        self.power = None

    def __enter__(self):
        if self.active:
            self._samples = tempfile.TemporaryFile()
            self._process = subprocess.Popen(self._COMMAND, stdout=self._samples)
        return self

    def __exit__(self, *exception):
        if self.active:
            self._process.terminate()
            self._process.wait()
            self._samples.seek(0)
            self.memory, self.power = summarise(self._samples.read().decode("utf-8", "replace"))
            self._samples.close()


def summarise(text):
    """Return (largest memory in bytes, mean power in watts) of nvidia-smi's lines."""
    memory, power = [], []
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(",")]
        for column, values in zip(fields, (memory, power)):
            # "[N/A]", or the line that was being written at the end
            with contextlib.suppress(ValueError):
                values.append(float(column))
    return (
        max(memory) * 1024 * 1024 if memory else None,
        sum(power) / len(power) if power else None,
    )


def _tensorflow_gpus():
    from tensorflow.python.client import device_lib

    devices = device_lib.list_local_devices()
    return [device.physical_device_desc for device in devices if device.device_type == "GPU"]


def _cntk_gpus():
    import cntk

    gpu = cntk.device.DeviceKind.GPU
    return [str(device) for device in cntk.device.all_devices() if device.type() == gpu]


def _theano_gpus():
    import theano.gpuarray

    return [theano.config.device] if theano.gpuarray.pygpu_activated else []


def _mxnet_gpus():
    import mxnet

    # The only question that every MXNet from 0.11 on answers: put something there.
    mxnet.nd.zeros((1,), ctx=mxnet.gpu(0)).asnumpy()
    return ["gpu(0)"]


def _jax_gpus():
    import jax

    return [device.device_kind for device in jax.devices() if device.platform == "gpu"]


def _torch_gpus():
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


_GPUS = {
    "tensorflow": _tensorflow_gpus,
    "cntk": _cntk_gpus,
    "theano": _theano_gpus,
    "mxnet": _mxnet_gpus,
    "jax": _jax_gpus,
    "torch": _torch_gpus,
}
