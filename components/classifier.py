"""The classifier: backbone and head joined into the one network that is trained, saved and served."""

import numpy as np
from numpy.typing import NDArray

from components.keras_runtime import keras


def join(extractor: "keras.Model", head: "keras.Model") -> "keras.Model":
    """Return the network from uint8 RGB `[N, H, W, 3]` to probabilities `[N, classes]`, sharing both parts' weights."""
    return keras.Model(extractor.input, head(extractor.output), name="classifier")


def join_in_inference_mode(extractor: "keras.Model", head: "keras.Model") -> "keras.Model":
    """Return the same network with the extractor always in inference mode, as a pretrained one is trained.

    Its layers may learn, but its batch normalisation keeps its moments and its dropout drops nothing.
    """
    inputs = keras.Input(extractor.input_shape[1:], dtype="uint8", name="image")
    return keras.Model(inputs, head(extractor(inputs, training=False)), name="classifier_in_training")


def run_batch(network: "keras.Model", images: NDArray[np.uint8], batch_size: int) -> NDArray[np.float32]:
    """Return what `network` gives for at most `batch_size` images, run as a full batch.

    Filling up keeps one shape, so that the network is compiled once and the last images are computed as all others.
    """
    full = np.zeros((batch_size, *images.shape[1:]), images.dtype)
    full[: len(images)] = images
    return np.asarray(network.predict_on_batch(full), np.float32)[: len(images)]
