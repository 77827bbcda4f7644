"""The classifier: backbone and head joined into the one network that is trained, saved and served."""

from typing import Any

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


def split(network: "keras.Model") -> tuple["keras.Model", "keras.Model"]:
    """Return the two parts of `network`, made by `join`: images to what the head sees, and that to probabilities."""
    head, features = _head(network)
    seen = keras.Input(features.shape[1:], name="seen")
    return keras.Model(network.input, features, name="extractor"), keras.Model(seen, head(seen), name="head")


def with_features(network: "keras.Model") -> "keras.Model":
    """Return `network`, made by `join`, with what the head sees, `[N, D]`, as its second output."""
    return keras.Model(network.input, [network.output, _head(network)[1]], name=network.name)


def _head(network: "keras.Model") -> tuple["keras.Layer", Any]:
    """Return the head of `network` and the tensor that it sees."""
    # As Keras recorded the call: `layers` leaves out bare operations, which may be what is before the head.
    head, call, _ = network.outputs[0]._keras_history
    [features] = head._inbound_nodes[call].input_tensors
    return head, features


def run_batches(network: "keras.Model", inputs: NDArray[Any], batch_size: int, at_once: int) -> NDArray[np.float32]:
    """Return what `network` gives for `inputs`, `at_once` a call, each call filled up as `run_batch` does."""
    found = np.empty((len(inputs), *network.output_shape[1:]), np.float32)
    for start in range(0, len(inputs), at_once):
        part = slice(start, start + at_once)
        found[part] = run_batch(network, inputs[part], batch_size)
    return found


def run_batch(network: "keras.Model", inputs: NDArray[Any], batch_size: int) -> NDArray[np.float32]:
    """Return what `network` gives for at most `batch_size` inputs, run as a full batch.

    Filling up keeps one shape, so that the network is compiled once and the last inputs are computed as all others.
    """
    full = np.zeros((batch_size, *inputs.shape[1:]), inputs.dtype)
    full[: len(inputs)] = inputs
    return np.asarray(network.predict_on_batch(full), np.float32)[: len(inputs)]
