"""What runs a frozen backbone: where there is no GPU its ONNX twin, which needs no compiling and is faster."""

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from components.features.unit import BATCH_SIZE
from components.inference.batch_engine import BatchEngine
from components.network.classifier import run_batch
from components.network.devices import gpu_count
from components.network.keras_runtime import keras
from components.onnx_twin.ends import FEATURES, INPUT

log = logging.getLogger("pawline")

# uint8 RGB `[N, H, W, 3]`, at most BATCH_SIZE of them, to features, float32 `[N, D]`.
FeatureNetwork = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def feature_network(extractor: "keras.Model") -> FeatureNetwork:
    """Return what computes `extractor`'s features; what an image gives does not depend on the rest of its batch.

    `extractor` goes from uint8 RGB to features and must not change meanwhile.
    """
    network = onnx_network(extractor)
    if network is None:
        return lambda images: run_batch(extractor, images, BATCH_SIZE)
    engine = BatchEngine(network)
    return lambda images: engine.run(images)[0]


def onnx_network(extractor: "keras.Model") -> bytes | None:
    """Return `extractor` as ONNX with one output, None where Keras runs it: on a GPU, or without ONNX form."""
    from components.onnx_twin.graph import to_onnx
    from components.onnx_twin.nodes import NoOnnxForm

    if gpu_count():
        return None
    try:
        return bytes(to_onnx(extractor, INPUT, [FEATURES]).SerializeToString())
    except NoOnnxForm as reason:
        log.info("features: by Keras, because of %s", reason)
        return None
