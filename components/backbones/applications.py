"""The image models of `keras.applications` as backbones, each with its own preprocessing as layers."""

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.backbones.exportable import with_exportable_layers
from components.backbones.weights import load_weights, weights_file
from components.network.keras_runtime import keras
from components.parameters.networks import IMAGENET, NONE
from components.step.errors import ServiceError, UsageError, one_line

# `keras.applications.efficientnet`: IMAGENET_STDDEV_RGB and the mean in its published weights.
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225])


@cache
def applications() -> dict[str, Callable[..., Any]]:
    """Return every image model of `keras.applications` by its name in lower case."""
    public = ((name, getattr(keras.applications, name)) for name in dir(keras.applications))
    return {name.lower(): build for name, build in public if name[0].isupper() and callable(build)}


def build_application(name: str, image_size: int, weights: str) -> tuple[list["keras.Layer"], "keras.Model"]:
    """Return the layers that turn RGB 0..255 into what the application `name` expects, and its network without top.

    Raises:
        DataError: the weights file is not one of this network.
        ServiceError: the published weights could not be downloaded, or the store failed.
        UsageError: Keras refuses the image size.
    """
    network = _network(name, image_size, IMAGENET if weights == IMAGENET else None)
    if weights in (IMAGENET, NONE):
        return preprocessing_layers(*channel_transform(name)), with_exportable_layers(network)
    with weights_file(weights) as path:
        load_weights(network, path)
    return preprocessing_layers(*_published_transform(name)), with_exportable_layers(network)


def _network(name: str, image_size: int, weights: str | None) -> "keras.Model":
    try:
        return applications()[name](include_top=False, weights=weights, input_shape=(image_size, image_size, 3))
    except Exception as error:  # Keras's download raises bare Exception.
        raise _explained(error, name, image_size) from error


def _explained(error: Exception, name: str, image_size: int) -> Exception:
    text = str(error)
    if isinstance(error, OSError) or "URL fetch failure" in text or "corrupted file" in text:
        return ServiceError(
            f"The published weights of {name} must be downloaded and were not. Received: {one_line(text)}. "
            "Put the file in a bucket or folder and pass its URI as --weights."
        )
    if isinstance(error, ValueError):
        return UsageError(
            f"{name} must accept the image size. Received: --image-size {image_size}: {one_line(text)} Use 0."
        )
    return error


def channel_transform(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the application's `preprocess_input` does to a pixel, as `pixel @ matrix + offset`.

    It is asked rather than typed: every `preprocess_input` is affine in a pixel's three channels.
    """
    preprocess = sys.modules[applications()[name].__module__].preprocess_input
    probes = np.concatenate([np.zeros((1, 3)), 255.0 * np.eye(3)]).reshape(1, 4, 1, 3)
    values = np.asarray(preprocess(probes, data_format="channels_last"), np.float64).reshape(4, 3)
    return (values[1:] - values[0]) / 255.0, values[0]


def _published_transform(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return `channel_transform`, corrected for EfficientNet's published weights.

    Keras builds EfficientNet with one more division by sqrt(deviation) behind its normalisation, but only where it
    downloads the weights itself; weights loaded from a file need the same (keras/src/applications/efficientnet.py).
    """
    matrix, offset = channel_transform(name)
    if not applications()[name].__module__.endswith(".efficientnet"):
        return matrix, offset
    factor = 1.0 / np.sqrt(_IMAGENET_DEVIATION)
    return matrix * factor, offset * factor + 255.0 * _IMAGENET_MEAN * (1.0 - factor)


def preprocessing_layers(matrix: NDArray[np.float64], offset: NDArray[np.float64]) -> list["keras.Layer"]:
    """Return layers computing `pixel @ matrix + offset`, plain ones that any Keras 3 loads again."""
    if np.count_nonzero(matrix - np.diag(np.diag(matrix))) == 0:
        return [keras.layers.Rescaling(np.diag(matrix).tolist(), offset.tolist(), name="scale_pixels")]
    # RGB to BGR: a fixed 1x1 convolution, since slices and flips are saved under Keras's private module paths.
    swap = keras.layers.Conv2D(3, 1, trainable=False, name="swap_channels")
    swap.build((None, None, None, 3))
    swap.set_weights([matrix.reshape(1, 1, 3, 3), offset])
    return [keras.layers.Rescaling(1.0, name="scale_pixels"), swap]
