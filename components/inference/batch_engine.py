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

    def __init__(self, network: bytes, further: Sequence[str] = ()) -> None:
        """Read the ONNX `network`, of which the first output is wanted, and those of its `further` ones.

        Raises:
            DataError: ONNX Runtime cannot read it.
        """
        cores = available_cores()
        self._engine, self._further = OnnxRuntimeEngine(network, cores), list(further)
        self._threads = ThreadPoolExecutor(cores)

    @property
    def missing(self) -> list[str]:
        """Which of the further outputs the network does not have."""
        return [name for name in self._further if name not in self._engine.outputs]

    def run(self, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Return each output wanted, float32 `[N, ...]`, for `images`, uint8 RGB `[N, H, W, 3]`, N > 0.

        Raises:
            DataError: ONNX Runtime cannot run it.
        """
        wanted = [self._engine.outputs[0], *self._further]
        each = self._threads.map(lambda image: self._engine.values(image, wanted), images)
        return [np.stack(values) for values in zip(*each, strict=True)]
