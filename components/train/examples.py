"""Examples to learn from, and the batches made of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.features.unnamed_file import take_rows
from components.network.keras_runtime import keras
from components.parameters.recipe import Recipe
from components.step.parallel import in_order
from components.train.augmentation import STRENGTHS, Draws, augment_images, draw, mix
from components.train.own_augmentation import OwnAugmentation

# Enough that the device never waits for the disk.
THREADS, BATCHES_AHEAD = 2, 3


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs, float32 features `[N, D]` or uint8 pixels `[N, H, W, 3]` that may be memory-mapped; classes `[N]`."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a step takes: inputs, targets `[N, classes]` that sum to 1 a row, and weights `[N]`."""

    inputs: Any
    targets: Any
    weights: Any


@dataclass(frozen=True)
class Feed:
    """Gives the batches of any epoch from any batch on; what they hold depends on seed, phase, epoch and batch only."""

    examples: Examples
    classes: int
    recipe: Recipe
    phase: int

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.examples.labels) // self.recipe.batch_size)

    def batches(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Yield the batches of `epoch`, counted from 1, beginning with the one numbered `first` from 0."""
        size, count = self.recipe.batch_size, len(self.examples.labels)
        order = np.random.default_rng([self.recipe.seed, self.phase, epoch]).permutation(count)
        rows = (order[start : start + size] for start in range(first * size, count, size))
        if self.examples.inputs.ndim != 4:  # Features are in memory.
            return map(self._plain, rows)
        if self.recipe.augment == "none":
            return in_order(self._plain, rows, THREADS, BATCHES_AHEAD)
        if ":" in self.recipe.augment:
            own = OwnAugmentation(self.recipe.augment)
            seed = [self.recipe.seed, self.phase, epoch]
            # One thread, beside the training: the user's code may not bear several.
            return in_order(lambda rows: self._by_own(own, seed, rows), rows, 1, BATCHES_AHEAD)
        draws = draw(self.recipe.seed, self.phase, epoch, count)
        read = in_order(self._read, rows, THREADS, BATCHES_AHEAD)
        return (self._augmented(pixels, rows, draws) for rows, pixels in read)

    def _read(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[Any]]:
        # In file order, since the disk reads ahead; then put back into the batch's.
        order = np.argsort(rows)
        pixels = np.empty((len(rows), *self.examples.inputs.shape[1:]), self.examples.inputs.dtype)
        pixels[order] = take_rows(self.examples.inputs, rows[order])
        return rows, pixels

    def _plain(self, rows: NDArray[np.int64]) -> Batch:
        return Batch(self._read(rows)[1], self._targets(rows), self._weights(rows))

    def _augmented(self, pixels: NDArray[Any], rows: NDArray[np.int64], draws: Draws) -> Batch:
        strength = STRENGTHS[self.recipe.augment]
        images = augment_images(pixels, draws.values[rows], strength)
        targets, weights = self._targets(rows), self._weights(rows)
        if strength.mixup:
            images, targets, weights = (mix(part, draws.mixup[rows]) for part in (images, targets, weights))
        return Batch(keras.ops.cast(keras.ops.round(images), "uint8"), targets, weights)

    def _by_own(self, own: OwnAugmentation, seed: list[int], rows: NDArray[np.int64]) -> Batch:
        return Batch(own.batch(self._read(rows)[1], seed, rows), self._targets(rows), self._weights(rows))

    def _targets(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        smoothing = self.recipe.label_smoothing
        targets = one_hot(self.examples.labels[rows], self.classes)
        return targets * np.float32(1 - smoothing) + np.float32(smoothing / self.classes)

    def _weights(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return self._weight_of_class[self.examples.labels[rows]]

    @cached_property
    def _weight_of_class(self) -> NDArray[np.float32]:
        labels = self.examples.labels
        if self.recipe.class_weight == "none":
            return np.ones(self.classes, np.float32)
        counts = np.maximum(np.bincount(labels, minlength=self.classes), 1)
        return (len(labels) / (self.classes * counts)).astype(np.float32)


def one_hot(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Return 1 where a label is and 0 elsewhere, float32 `[N, classes]`."""
    return np.asarray(labels[:, np.newaxis] == np.arange(classes), np.float32)


def alike(batches: Iterable[Batch], most: int) -> Iterator[list[Batch]]:
    """Yield `batches` in order, up to `most` together, those together of one size."""
    together: list[Batch] = []
    for batch in batches:
        if together and (len(together) == most or len(batch.weights) != len(together[0].weights)):
            yield together
            together = []
        together.append(batch)
    if together:
        yield together


def stacked(batches: Sequence[Batch]) -> list[NDArray[Any]]:
    """Return inputs `[K, N, ...]`, targets `[K, N, classes]` and weights `[K, N]` of `batches` of one size."""
    return [np.stack([getattr(batch, name) for batch in batches]) for name in ("inputs", "targets", "weights")]
