"""small_cnn: a small network for small images, trained whole from random weights.

Convolutions of 3x3, each with batch normalisation and ReLU, with twice the channels at half the resolution: the plain
recipe of VGG (Simonyan and Zisserman, 2014) with batch normalisation (Ioffe and Szegedy, 2015).
"""

from typing import Any

from components.backbones.weights import load_weights, weights_file
from components.network.keras_runtime import keras
from components.parameters.networks import IMAGENET, NONE, SMALL_CNN

layers = keras.layers

IMAGE_SIZE = 32
# Per resolution, the channels of its convolutions. One at the full resolution, where they cost most.
CHANNELS = ((16,), (32, 32), (64, 64))
# Keras's 0.99 needs hundreds of steps before inference follows training; small data have few in an epoch.
MOMENTUM = 0.9


def build_with_weights(image_size: int, weights: str) -> tuple[list["keras.Layer"], "keras.Model"]:
    """Return the layer that scales RGB 0..255 to -1..1, and the network without top.

    `imagenet` and `none` both stand for random weights, drawn from Keras's global seed: there are no published ones.

    Raises:
        DataError: the weights file is missing or not one of this network.
        ServiceError: the weights file could not be fetched.
    """
    network = build_small_cnn(image_size)
    if weights not in (IMAGENET, NONE):
        with weights_file(weights) as path:
            load_weights(network, path)
    return [layers.Rescaling(1 / 127.5, -1.0, name="scale_pixels")], network


def build_small_cnn(image_size: int = IMAGE_SIZE) -> "keras.Model":
    """Return the network, with random weights.

    Input: float32 `[N, image_size, image_size, 3]`, RGB in -1..1. Output: features `[N, h, w, 64]`, a quarter a side.
    """
    inputs = keras.Input((image_size, image_size, 3), name="scaled_image")
    x = inputs
    for block, widths in enumerate(CHANNELS, start=1):
        if block > 1:
            x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
        for number, channels in enumerate(widths, start=1):
            x = _convolution(x, channels, f"block{block}_conv{number}")
    return keras.Model(inputs, x, name=SMALL_CNN)


def _convolution(x: Any, channels: int, name: str) -> Any:
    x = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
