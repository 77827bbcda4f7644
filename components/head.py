"""The head: the layers behind a backbone's pooled features."""

import numpy as np
from numpy.typing import NDArray

from components.keras_runtime import keras

DROPOUT = 0.2
# Share of the mean variance added to each feature's: a feature that is constant in training but not later would
# otherwise be divided by nearly zero.
VARIANCE_FLOOR = 0.1


def build_head(features: NDArray[np.float32], classes: int, seed: int) -> "keras.Sequential":
    """Return an untrained head: standardisation by `features`' own moments, dropout, softmax over `classes`.

    Standardised features make Adam's default learning rate right for every backbone, whatever its features' scale.
    """
    mean, variance = features.mean(axis=0, dtype=np.float64), features.var(axis=0, dtype=np.float64)
    # A frozen batch normalisation: Keras's Normalization keeps its moments as constants, which ONNX export loses.
    standardise = keras.layers.BatchNormalization(
        epsilon=max(VARIANCE_FLOOR * float(variance.mean()), 1e-12),
        center=False,
        scale=False,
        trainable=False,
        name="standardise",
    )
    # The loss is convex: from zeros nothing random is left in directions that the samples do not determine.
    head = _sequence([standardise], features.shape[1], classes, seed, "zeros")
    standardise.set_weights([mean, variance])
    return head


def build_plain_head(width: int, classes: int, seed: int) -> "keras.Sequential":
    """Return an untrained head for features `[N, width]` that are learnt together with it: dropout and softmax."""
    return _sequence([], width, classes, seed, "glorot_uniform")


def _sequence(first: list["keras.Layer"], width: int, classes: int, seed: int, initializer: str) -> "keras.Sequential":
    layers = [
        keras.Input((width,), name="features"),
        *first,
        keras.layers.Dropout(DROPOUT, seed=seed, name="dropout"),
        # In float32 whatever the policy: half precision cannot tell small probabilities apart.
        keras.layers.Dense(
            classes, activation="softmax", kernel_initializer=initializer, dtype="float32", name="probabilities"
        ),
    ]
    return keras.Sequential(layers, name="head")
