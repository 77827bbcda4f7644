"""The head: the layers trained on a frozen backbone's features, and their training."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from components.keras_runtime import keras

DROPOUT = 0.2
# Share of the mean variance added to each feature's: a feature that is constant in training but not later would
# otherwise be divided by nearly zero.
VARIANCE_FLOOR = 0.1


@dataclass(frozen=True, slots=True)
class LabelledFeatures:
    """Pooled features, float32 `[N, D]`, and class indices, int64 `[N]`."""

    features: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a head is trained; the same recipe on the same features gives the same weights on the same machine."""

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training samples; `loss` is the mean cross-entropy in nats, with dropout in training."""

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


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
    head = keras.Sequential(
        [
            keras.Input((features.shape[1],), name="features"),
            standardise,
            keras.layers.Dropout(DROPOUT, seed=seed, name="dropout"),
            # The loss is convex: from zeros nothing random is left in directions that the samples do not determine.
            keras.layers.Dense(classes, activation="softmax", kernel_initializer="zeros", name="probabilities"),
        ],
        name="head",
    )
    standardise.set_weights([mean, variance])
    return head


def fit_head(
    head: "keras.Sequential",
    train: LabelledFeatures,
    validation: LabelledFeatures,
    recipe: Recipe,
    on_epoch: Callable[[Epoch], None],
) -> list[Epoch]:
    """Train `head`, leave it with the weights of the epoch of lowest validation loss, return every epoch.

    Raises:
        DataError: the loss is no longer a number.
    """
    optimizer = keras.optimizers.Adam(recipe.learning_rate)
    head.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history: list[Epoch] = []
    best: tuple[float, list[NDArray[Any]]] = (math.inf, head.get_weights())
    for number in range(1, recipe.epochs + 1):
        order = np.random.default_rng([recipe.seed, number]).permutation(len(train.labels))
        fitted = _pass(head.train_on_batch, train, order, recipe.batch_size)
        watched = _pass(head.test_on_batch, validation, np.arange(len(validation.labels)), recipe.batch_size)
        history.append(_finite(Epoch(number, *fitted, *watched), recipe))
        if watched[0] < best[0]:
            best = (watched[0], head.get_weights())
        on_epoch(history[-1])
    head.set_weights(best[1])
    return history


def best_epoch(history: list[Epoch]) -> Epoch:
    """Return the epoch whose weights are kept: the first of lowest validation loss."""
    return min(history, key=lambda epoch: epoch.validation_loss)


def _pass(
    step: Callable[..., Any], samples: LabelledFeatures, order: NDArray[np.int64], batch_size: int
) -> tuple[float, float]:
    """Run `step` over `samples` in `order`; return the mean loss and accuracy of all samples.

    Each batch's values are weighted here: since Keras 3.15 `train_on_batch` forgets the batches before.
    """
    sums = np.zeros(2)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        sums += len(batch) * np.array(step(samples.features[batch], samples.labels[batch]), np.float64)
    loss, accuracy = sums / len(order)
    return float(loss), float(accuracy)


def _finite(epoch: Epoch, recipe: Recipe) -> Epoch:
    if math.isfinite(epoch.loss) and math.isfinite(epoch.validation_loss):
        return epoch
    raise DataError(
        f"The loss must stay a number. Received: loss={epoch.loss}, validation_loss={epoch.validation_loss} "
        f"in epoch {epoch.epoch} with --learning-rate {recipe.learning_rate}. Lower the learning rate."
    )
