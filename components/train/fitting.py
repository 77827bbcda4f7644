"""Fitting: one phase of training, step by step, from wherever a checkpoint stands."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.network.keras_runtime import keras
from components.network.variables import assign, moving_variables, seed_states, values_of
from components.parameters.recipe import Recipe
from components.step.errors import DataError
from components.train.checkpoints import Checkpoint, Checkpoints
from components.train.epoch import Epoch
from components.train.examples import Batch, Examples, Feed
from components.train.fitting_progress import FittingProgress
from components.train.schedules import build_optimizer, learning_rate_at


@dataclass(slots=True)
class Standing:
    """Where training stands: phase, its finished epochs, finished batches of the one begun, and sums over these."""

    phase: int = 0
    epoch: int = 0
    batch: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0])
    history: list[Epoch] = field(default_factory=list)
    best_loss: float = math.inf


@dataclass(frozen=True, slots=True)
class Phase:
    """A network to train from inputs to probabilities, on what, for how long; `number` counts from 0."""

    number: int
    name: str
    network: "keras.Model"
    train: Examples
    validation: Examples
    epochs: int
    learning_rate: float


OnEpoch = Callable[[Epoch], None]


class Fitting:
    """Trains `phase`; `standing` moves along, and its best weights are those of the lowest validation loss so far."""

    def __init__(self, phase: Phase, recipe: Recipe, standing: Standing, checkpoints: Checkpoints | None) -> None:
        """Compile the network; its weights as they are count as the best so far."""
        self._phase, self._recipe, self._standing, self._checkpoints = phase, recipe, standing, checkpoints
        self._network = phase.network
        self._feed = Feed(phase.train, phase.network.output_shape[-1], recipe, phase.number)
        optimizer = build_optimizer(recipe.optimizer, phase.learning_rate)
        # jit_compile stays "auto": Keras compiles with XLA where there is a GPU, and on a CPU it would only cost time.
        self._network.compile(optimizer, "categorical_crossentropy", metrics=["categorical_accuracy"])
        self._network.optimizer.build(self._network.trainable_variables)
        self._moving, self._seeds = moving_variables(self._network), seed_states(self._network)
        self._best = values_of(self._moving)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from `checkpoint`; ValueError if its arrays do not fit."""
        assign(self._moving, checkpoint.arrays["network"])
        assign(self._network.optimizer.variables, checkpoint.arrays["optimizer"])
        self._best = checkpoint.arrays["best"]

    def run(self, on_epoch: OnEpoch) -> None:
        """Train to the phase's end, leave the network with its best weights and `standing` before the next phase.

        Raises:
            DataError: the loss is no longer a number.
        """
        standing, phase = self._standing, self._phase
        left = (phase.epochs - standing.epoch) * len(phase.train.labels) - standing.batch * self._recipe.batch_size
        with FittingProgress(phase.name, phase.epochs, self._feed.steps, left) as progress:
            while standing.epoch < phase.epochs and not self._patience_is_over():
                self._train_epoch(progress)
                self._finish_epoch(progress, on_epoch)
        assign(self._moving, self._best)
        standing.phase, standing.epoch, standing.batch = phase.number + 1, 0, 0

    def _patience_is_over(self) -> bool:
        losses = [epoch.validation_loss for epoch in self._standing.history]
        begun = len(losses) - self._standing.epoch
        best = max(losses.index(min(losses)) + 1, begun) if losses else 0
        return 0 < self._recipe.early_stopping_patience <= len(losses) - best

    def _train_epoch(self, progress: FittingProgress) -> None:
        standing = self._standing
        for batch in self._feed.batches(standing.epoch + 1, standing.batch):
            loss, accuracy = self._step(batch)
            count = len(batch.weights)
            standing.batch += 1
            standing.sums = [standing.sums[0] + count * loss, standing.sums[1] + count * accuracy]
            progress.step(standing.epoch + 1, standing.batch, count, loss, accuracy)
            if standing.batch < self._feed.steps:
                self._save_if_due(at_epoch_end=False)

    def _step(self, batch: Batch) -> tuple[float, float]:
        recipe, phase, standing = self._recipe, self._phase, self._standing
        number = standing.epoch * self._feed.steps + standing.batch
        if recipe.warmup_epochs or recipe.schedule != "constant":
            rate = learning_rate_at(recipe, phase.learning_rate, phase.epochs, self._feed.steps, number)
            self._network.optimizer.learning_rate = rate
        for index, state in enumerate(self._seeds):
            generator = np.random.default_rng([recipe.seed, phase.number, number, index])
            state.assign(generator.integers(0, 2**31, 2))
        loss, accuracy = self._network.train_on_batch(batch.inputs, batch.targets, batch.weights)
        self._check_finite(float(loss), f"step {standing.batch + 1} of {self._feed.steps}")
        return float(loss), float(accuracy)

    def _finish_epoch(self, progress: FittingProgress, on_epoch: OnEpoch) -> None:
        standing, count = self._standing, len(self._phase.train.labels)
        loss, accuracy = (value / count for value in standing.sums)
        watched = self._validate()
        self._check_finite(watched[0], "validation")
        standing.history.append(Epoch(len(standing.history) + 1, loss, accuracy, *watched, self._phase.name))
        standing.epoch, standing.batch, standing.sums = standing.epoch + 1, 0, [0.0, 0.0]
        if watched[0] < standing.best_loss:
            standing.best_loss, self._best = watched[0], values_of(self._moving)
        last = standing.epoch == self._phase.epochs or self._patience_is_over()
        self._save_if_due(at_epoch_end=True, always=last)
        progress.epoch(standing.history[-1], last)
        on_epoch(standing.history[-1])

    def _validate(self) -> tuple[float, float]:
        """Return the mean loss and accuracy: plain cross-entropy, without smoothing, weights or augmentation.

        Each batch's values are weighted here: since Keras 3.15 `test_on_batch` forgets the batches before.
        """
        inputs, labels = self._phase.validation.inputs, self._phase.validation.labels
        one_hot = np.eye(self._network.output_shape[-1], dtype=np.float32)
        sums = np.zeros(2)
        for start in range(0, len(labels), self._recipe.batch_size):
            part = slice(start, start + self._recipe.batch_size)
            values = self._network.test_on_batch(np.asarray(inputs[part]), one_hot[labels[part]])
            sums += len(labels[part]) * np.array(values, np.float64)
        loss, accuracy = sums / len(labels)
        return float(loss), float(accuracy)

    def _check_finite(self, loss: float, where: str) -> None:
        if math.isfinite(loss):
            return
        phase = self._phase
        raise DataError(
            f"The loss must stay a number. Received: loss={loss} in {phase.name} epoch {self._standing.epoch + 1}, "
            f"{where}, with --learning-rate {self._recipe.learning_rate}. Lower the learning rate."
        )

    def _save_if_due(self, at_epoch_end: bool, always: bool = False) -> None:
        if self._checkpoints and (always or self._checkpoints.due(at_epoch_end)):
            groups = {"network": self._moving, "optimizer": self._network.optimizer.variables}
            arrays: dict[str, list[NDArray[Any]]] = {name: values_of(group) for name, group in groups.items()}
            header = {"key": self._checkpoints.key, "standing": asdict(self._standing)}
            self._checkpoints.save(Checkpoint(header, {**arrays, "best": self._best}))


def standing_of(checkpoint: Checkpoint) -> Standing:
    """Return the standing that `checkpoint` holds; KeyError or TypeError if it is not one of ours."""
    values = dict(checkpoint.header["standing"])
    return Standing(**{**values, "history": [Epoch(**epoch) for epoch in values["history"]]})


def best_epoch(history: list[Epoch]) -> Epoch:
    """Return the epoch whose weights are kept: the first of lowest validation loss."""
    return min(history, key=lambda epoch: epoch.validation_loss)
