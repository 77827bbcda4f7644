"""The classifier: backbone and head joined into the one network that is trained, saved and served."""

import numpy as np
from numpy.typing import NDArray

from components.network.keras_runtime import keras


def join(extractor: "keras.Model", head: "keras.Model") -> "keras.Model":
    """Return the network from uint8 RGB `[N, H, W, 3]` to probabilities `[N, classes]`, sharing both parts' weights."""
    return keras.Model(extractor.input, head(extractor.output), name="classifier")


def join_in_inference_mode(extractor: "keras.Model", head: "keras.Model") -> "keras.Model":
    """Return the same network with the extractor always in inference mode, as a pretrained one is trained.

    Its layers may learn, but its batch normalisation keeps its moments and its dropout drops nothing.
    """
    inputs = keras.Input(extractor.input_shape[1:], dtype="uint8", name="image")
    return keras.Model(inputs, head(extractor(inputs, training=False)), name="classifier_in_training")


def observed(network: "keras.Model") -> "keras.Model":
    """Return `network`, made by `join`, with two outputs: its probabilities and what its head sees."""
    # Layers are sorted by depth: the head is last, and before it the one layer it takes its input from.
    return keras.Model(network.input, [network.output, network.layers[-2].output], name="observed")


def run_batches(network: "keras.Model", images: NDArray[np.uint8], batch_size: int) -> list[NDArray[np.float32]]:
    """Return each output of `network`, which has several, for `images`, run in full batches as `run_batch` does."""
    shapes = [output.shape[1:] for output in network.outputs]
    found = [np.empty((len(images), *shape), np.float32) for shape in shapes]
    for start in range(0, len(images), batch_size):
        part = images[start : start + batch_size]
        for values, computed in zip(found, network.predict_on_batch(_filled_up(part, batch_size)), strict=True):
            values[start : start + len(part)] = computed[: len(part)]
    return found


def run_batch(network: "keras.Model", images: NDArray[np.uint8], batch_size: int) -> NDArray[np.float32]:
    """Return what `network` gives for at most `batch_size` images, run as a full batch.

    Filling up keeps one shape, so that the network is compiled once and the last images are computed as all others.
    """
    return np.asarray(network.predict_on_batch(_filled_up(images, batch_size)), np.float32)[: len(images)]


def _filled_up(images: NDArray[np.uint8], batch_size: int) -> NDArray[np.uint8]:
    full = np.zeros((batch_size, *images.shape[1:]), images.dtype)
    full[: len(images)] = images
    return full
