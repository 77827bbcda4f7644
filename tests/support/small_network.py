"""A bundle as train writes it, of a network with convolutions, its weights as they fall."""

from pathlib import Path

import numpy as np

SIDE = 24
CLASSES = ["cat", "dog", "fish"]


def small_network_bundle(folder: Path) -> Path:
    """Write the bundle to `folder`, new; its temperature is 1.7."""
    from components.bundle.manifest import Provenance
    from components.bundle.writer import save_bundle
    from components.network.keras_runtime import keras

    keras.utils.set_random_seed(4)
    layers = keras.layers
    inputs = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 128, -1.0)(inputs)
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    outputs = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x) * 20)
    network = keras.Model(inputs, outputs, name="classifier")
    images = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), np.uint8)
    save_bundle(folder, network, images, Provenance(CLASSES, SIDE, "small", "none", "f" * 64, 0, {}, {}, 1.7))
    return folder
