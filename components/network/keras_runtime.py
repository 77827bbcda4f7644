"""Keras, imported once for every module that needs it, without the banner TensorFlow writes while it loads."""

import gc
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from components.step.left_out import UNUSED, left_out

# On a machine without GPU TensorFlow logs errors about it; real ones come as exceptions, whatever this level is.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFloat-32 rounds to 10 bits: a bundle trained so on a GPU would fail its golden check (1e-4) on a CPU.
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
# TensorFlow takes all GPU memory at once otherwise, also from whoever shares the GPU.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
# Each makes TensorFlow take other kernels, which add up in another order or round to fewer bits: a run started from a
# shell that sets them (TensorFlow's own banner suggests one) would end with other bytes than one that is not.
_OF_OTHER_KERNELS = ("TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "ONEDNN_", "DNNL_")
for _name in [*os.environ]:
    if _name.startswith(_OF_OTHER_KERNELS) and not _name.endswith("_VERBOSE"):
        os.environ.pop(_name)
# Sums are added up in as many parts as there are threads, by default as many as the node has cores, not the container:
# so a training ends with the same bytes on one core and on many, and whatever the shell says. On two cores it takes no
# more processor time than two threads.
os.environ["TF_NUM_INTRAOP_THREADS"] = "16"


def _choose_home() -> None:
    """Let what Keras keeps, its settings and published weights, lie with other caches, unless the user has a place."""
    home = os.path.expanduser("~")
    if os.access(home, os.W_OK) and not os.path.exists(os.path.join(home, ".keras")):
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
        os.environ.setdefault("KERAS_HOME", os.path.join(caches, "pawline", "keras"))


_WARNING_OR_WORSE = re.compile(rb"^[WEF]\d{4} .*\n?", re.MULTILINE)


@contextmanager
def _without_banner() -> Iterator[None]:
    """Hold back what libraries write to file descriptor 2; warnings follow afterwards, everything if the import fails.

    Before their logging is set up, TensorFlow's libraries obey no environment variable (seen in 2.21).
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            _replay(held, everything=failed)


def _replay(held: IO[bytes], everything: bool) -> None:
    held.seek(0)
    text = held.read()
    os.write(2, text if everything else b"".join(_WARNING_OR_WORSE.findall(text)))


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Collect no garbage meanwhile, nor look at what was made ever after: a quarter of the import, most of the exit."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


_choose_home()
with _without_banner(), _without_garbage_collection(), left_out(*UNUSED):
    import keras

# Whatever a keras.json in the home folder says; these are Keras's own.
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")

__all__ = ["keras"]
