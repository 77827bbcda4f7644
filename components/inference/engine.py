"""What runs a network: OpenVINO where it is installed, else ONNX Runtime; nothing here knows Keras.

An image is never batched with others: on a CPU that gains nothing, and so the answer to an image does not depend on
what is asked beside it.
"""

from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from components.step.errors import UsageError


class Engine(Protocol):
    """A compiled network: uint8 RGB `[H, W, 3]` to float32 `[classes]`; any number of threads call it."""

    name: str
    version: str

    def run(self, image: NDArray[np.uint8], alone: bool) -> NDArray[np.float32]:
        """Return the probabilities of `image`; `alone` says that nothing else is being predicted."""


def make_engine(network: bytes, image_size: int, workers: int) -> Engine:
    """Return an engine with the ONNX `network` for `workers` threads that call at the same time.

    Raises:
        DataError: the engine cannot read or run it.
        UsageError: no engine is installed.
    """
    if find_spec("openvino"):
        from components.inference.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(network, image_size, workers)
    if find_spec("onnxruntime"):
        from components.inference.onnx_engine import OnnxRuntimeEngine

        return OnnxRuntimeEngine(network, workers)
    raise UsageError(
        "A network needs OpenVINO or ONNX Runtime. Received: neither. Install one: pip install 'pawline[serve]'."
    )
