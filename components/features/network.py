"""What runs a frozen backbone: where there is no GPU its ONNX twin, which needs no compiling and is faster."""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from components.network.classifier import run_batch
from components.network.devices import gpu_count
from components.network.keras_runtime import keras
from components.step.cores import available_cores

log = logging.getLogger("pawline")

BATCH_SIZE = 32

# uint8 RGB `[N, H, W, 3]`, at most BATCH_SIZE of them, to features, float32 `[N, D]`.
FeatureNetwork = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def feature_network(extractor: "keras.Model") -> FeatureNetwork:
    """Return what computes `extractor`'s features; what an image gives does not depend on the rest of its batch.

    `extractor` goes from uint8 RGB to features and must not change meanwhile.
    """
    from components.onnx_twin.nodes import NoOnnxForm

    if not gpu_count():
        try:
            return _by_onnx_runtime(extractor)
        except NoOnnxForm as reason:
            log.info("features: by Keras, because of %s", reason)
    return lambda images: run_batch(extractor, images, BATCH_SIZE)


def _by_onnx_runtime(extractor: "keras.Model") -> FeatureNetwork:
    import onnxruntime

    from components.onnx_twin.graph import to_onnx

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    network = to_onnx(extractor, "image", "features").SerializeToString()
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        # One by one: what they need then stays in the processor's cache, a third faster than thirty-two at once.
        return np.concatenate([session.run(["features"], {"image": image[np.newaxis]})[0] for image in images])

    return run
