"""The classifier: backbone and head joined into the one network that is saved and served."""

import numpy as np
from numpy.typing import NDArray

from components.keras_runtime import keras


def join(extractor: "keras.Model", head: "keras.Model") -> "keras.Model":
    """Return the network from uint8 RGB `[N, H, W, 3]` to probabilities `[N, classes]`, sharing both parts' weights."""
    return keras.Model(extractor.input, head(extractor.output), name="classifier")


def run_batch(network: "keras.Model", images: NDArray[np.uint8], batch_size: int) -> NDArray[np.float32]:
    """Return what `network` gives for at most `batch_size` images, run as a full batch.

    Filling up keeps one shape, so that the network is compiled once and the last images are computed as all others.
    """
    full = np.zeros((batch_size, *images.shape[1:]), images.dtype)
    full[: len(images)] = images
    return np.asarray(network.predict_on_batch(full), np.float32)[: len(images)]
