"""GPUs: whether there are any, and what of Keras is turned on when there are. Without one, nothing changes."""

import logging
import os
from pathlib import Path

log = logging.getLogger("pawline")

# float16 rather than bfloat16: T4 and V100, still common in clusters, have units for the former only.
GPU_POLICY = "mixed_float16"


def prefer_determinism() -> None:
    """Ask TensorFlow for operations that give the same bits each time; call it before Keras is imported.

    On a CPU this costs nothing measurable. With a GPU it is left out: some gradients have no such operation there.
    """
    # It warns of compiling again for every phase and every smaller last batch, as if that were a mistake.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if not Path("/dev/nvidiactl").exists():
        os.environ["TF_DETERMINISTIC_OPS"] = "1"  # Whatever the shell says: a run gives the same from every one.


def gpu_count() -> int:
    """Return how many GPUs Keras's backend sees."""
    from components.network.keras_runtime import keras

    try:
        return len(keras.distribution.list_devices("gpu"))
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):  # JAX without GPU, and torch.
        return 0


def use_gpus() -> str:
    """Turn on mixed precision if there is a GPU, and data parallelism if there are several; return the dtype policy.

    XLA needs nothing here: Keras's `jit_compile="auto"` uses it exactly where there is a GPU.
    """
    from components.network.keras_runtime import keras

    count = gpu_count()
    if count:
        keras.config.set_dtype_policy(GPU_POLICY)
        log.info("%d GPU, %s", count, GPU_POLICY)
    if count > 1 and keras.backend.backend() == "jax":
        # Keras's DataParallel works on JAX; on TensorFlow it is a stub (keras 3.15), which would train on one GPU.
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    elif count > 1:
        log.warning("only one of %d GPUs is used: several need KERAS_BACKEND=jax", count)
    return str(keras.config.dtype_policy().name)
