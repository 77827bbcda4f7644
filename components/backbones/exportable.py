"""Networks whose layers all have an ONNX form, made from those of `keras.applications`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.network.keras_runtime import keras

layers = keras.layers


def with_exportable_layers(network: "keras.Model") -> "keras.Model":
    """Return `network` computing the same, with two kinds of layers replaced that tf2onnx cannot export.

    Normalization keeps its moments as constants outside the graph (EfficientNet); a convolution with one group a
    channel runs in a compiled function of its own (ConvNeXt), and is slower there than the depthwise layer it is.
    """
    if not any(_is_frozen_normalization(layer) or _is_depthwise(layer) for layer in network.layers):
        return network
    clone = keras.models.clone_model(network, clone_function=_exportable)
    for old, new in zip(network.layers, clone.layers, strict=True):
        if not _is_frozen_normalization(old):
            new.set_weights(_depthwise_weights(old.get_weights()) if _is_depthwise(old) else old.get_weights())
    return clone


def _is_frozen_normalization(layer: "keras.Layer") -> bool:
    return isinstance(layer, layers.Normalization)


def _is_depthwise(layer: "keras.Layer") -> bool:
    return isinstance(layer, layers.Conv2D) and layer.groups == layer.filters > 1


def _exportable(layer: "keras.Layer") -> "keras.Layer":
    if _is_frozen_normalization(layer):
        mean, variance = _moments(layer)
        scale = 1.0 / np.maximum(np.sqrt(variance), keras.config.epsilon())
        return layers.Rescaling(scale.tolist(), (-mean * scale).tolist(), name=layer.name)
    if _is_depthwise(layer):
        return layers.DepthwiseConv2D(
            layer.kernel_size, layer.strides, layer.padding, use_bias=layer.use_bias, name=layer.name
        )
    return layer.__class__.from_config(layer.get_config())


def _moments(layer: "keras.Layer") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Weights where they were learnt from data, constants where the network's author gave them.
    mean, variance = layer.get_weights()[:2] or (
        keras.ops.convert_to_numpy(layer.mean),
        keras.ops.convert_to_numpy(layer.variance),
    )
    return np.ravel(mean).astype(np.float64), np.ravel(variance).astype(np.float64)


def _depthwise_weights(weights: list[NDArray[Any]]) -> list[NDArray[Any]]:
    return [weights[0].transpose(0, 1, 3, 2), *weights[1:]]  # (H, W, 1, C) -> (H, W, C, 1)
