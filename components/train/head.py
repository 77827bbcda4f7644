"""The head: the layers behind a backbone's pooled features."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from components.features.unnamed_file import let_go
from components.network.keras_runtime import keras

DROPOUT = 0.2
# Share of the mean variance added to each feature's: a feature that is constant in training but not later would
# otherwise be divided by nearly zero.
VARIANCE_FLOOR = 0.1
TINY = 1e-12
ROWS = 4096  # Looked at together: whatever the number of samples, memory holds no second copy of their features.


def build_head(features: NDArray[np.float32], classes: int, seed: int) -> "keras.Sequential":
    """Return an untrained head: compression and standardisation by `features`' own size, dropout, softmax.

    Compression, x / (s + |x|) with s the mean of |x|, keeps the few features that fire strongly from drowning the many
    that fire weakly; it raises accuracy on small data. Standardised features make Adam's default
    learning rate right for every backbone, whatever its features' scale.
    """
    total = sum(float(np.abs(rows).sum(dtype=np.float64)) for rows in _in_parts(features))
    scale = max(total / features.size, TINY)
    mean, variance = _moments_compressed(features, scale)
    # A frozen batch normalisation: Keras's Normalization keeps its moments as constants, which ONNX export loses.
    standardise = keras.layers.BatchNormalization(
        epsilon=max(VARIANCE_FLOOR * float(variance.mean()), TINY),
        center=False,
        scale=False,
        trainable=False,
        name="standardise",
    )
    shrink = keras.layers.Rescaling(1 / scale, name="scale_features")
    compress = keras.layers.Activation("softsign", name="compress")
    # The loss is convex: from zeros nothing random is left in directions that the samples do not determine.
    head = _sequence([shrink, compress, standardise], features.shape[1], classes, seed, "zeros")
    standardise.set_weights([mean, variance])
    return head


def _in_parts(features: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(features), ROWS):
        yield features[start : start + ROWS]
        let_go(features)


def _moments_compressed(features: NDArray[np.float32], scale: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance, `[D]`, of what the head makes of `features` before it standardises them."""
    sums = np.zeros((2, features.shape[1]))
    for rows in _in_parts(features):
        compressed = (rows / (scale + np.abs(rows))).astype(np.float64)
        sums += compressed.sum(axis=0), np.square(compressed).sum(axis=0)
    mean, square = sums / len(features)
    return mean, np.maximum(square - np.square(mean), 0.0)


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
