"""The engine of whoever has many images at hand: ONNX Runtime, one image a core."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from components.inference.onnx_engine import OnnxRuntimeEngine
from components.step.cores import available_cores


class BatchEngine:
    """A network for batches; an image gives the same bits whatever is beside it, and on any number of cores.

    Threads that share an image wait for each other at each of its layers, spinning: a core each takes two thirds of
    their processor time. Several images in one call are no faster, as what they need leaves the processor's cache.
    """

    def __init__(self, network: bytes, outputs: Sequence[str]) -> None:
        """Read the ONNX `network`, of which the values called `outputs` are wanted.

        Raises:
            DataError: ONNX Runtime cannot read it.
        """
        cores = available_cores()
        self._engine, self._outputs = OnnxRuntimeEngine(network, cores), list(outputs)
        self._threads = ThreadPoolExecutor(cores)

    def run(self, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Return for each of the outputs its values, float32 `[N, ...]`, of `images`, uint8 RGB `[N, H, W, 3]`, N > 0.

        Raises:
            DataError: ONNX Runtime cannot run it.
        """
        each = self._threads.map(lambda image: self._engine.values(image, self._outputs), images)
        return [np.stack(values) for values in zip(*each, strict=True)]
