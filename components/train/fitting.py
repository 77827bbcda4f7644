"""Fitting: one phase of training, step by step, from wherever a checkpoint stands."""

import math
from collections.abc import Callable, Iterator, Sequence
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
from components.train.examples import Batch, Examples, Feed, alike, one_hot, stacked
from components.train.fitting_progress import FittingProgress
from components.train.schedules import build_optimizer, learning_rate_at
from components.train.steps_at_once import AT_ONCE, can_run_at_once, training_steps, validation_steps


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
        # Pixels are large and their steps long: these go one by one.
        self._at_once = AT_ONCE if phase.train.inputs.ndim == 2 and can_run_at_once() else 1
        self._scheduled = bool(recipe.warmup_epochs) or recipe.schedule != "constant"
        self._training = training_steps(self._network, self._seeds, self._scheduled)
        self._validation = validation_steps(self._network)

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
        for together in alike(self._feed.batches(standing.epoch + 1, standing.batch), self._at_once):
            for batch, (loss, accuracy) in zip(together, self._trained(together).tolist(), strict=True):
                self._check_finite(loss, f"step {standing.batch + 1} of {self._feed.steps}")
                count = len(batch.weights)
                standing.batch += 1
                standing.sums = [standing.sums[0] + count * loss, standing.sums[1] + count * accuracy]
            images = sum(len(batch.weights) for batch in together)
            progress.step(standing.epoch + 1, standing.batch, images, loss, accuracy)
            if standing.batch < self._feed.steps:
                self._save_if_due(at_epoch_end=False)

    def _trained(self, batches: Sequence[Batch]) -> NDArray[Any]:
        """Take a step for each of `batches`; return their losses and accuracies, `[K, 2]`."""
        first = self._standing.epoch * self._feed.steps + self._standing.batch
        numbers = range(first, first + len(batches))
        states, rates = np.array([self._states(number) for number in numbers]), [self._rate(n) for n in numbers]
        if self._at_once > 1:
            return self._training([*stacked(batches), states, np.array(rates, np.float32)])
        return np.array([self._step(*values) for values in zip(batches, states, rates, strict=True)], np.float64)

    def _states(self, number: int) -> NDArray[np.uint32]:
        """Return what the random generators begin the step `number` with, `[generators, 2]`."""
        seeds = ([self._recipe.seed, self._phase.number, number, index] for index in range(len(self._seeds)))
        drawn = [np.random.default_rng(seed).integers(0, 2**31, 2) for seed in seeds]
        return np.array(drawn, np.uint32).reshape(-1, 2)

    def _rate(self, number: int) -> float:
        phase = self._phase
        return learning_rate_at(self._recipe, phase.learning_rate, phase.epochs, self._feed.steps, number)

    def _step(self, batch: Batch, states: NDArray[np.uint32], rate: float) -> tuple[float, float]:
        if self._scheduled:
            self._network.optimizer.learning_rate = rate
        assign(self._seeds, list(states))
        loss, accuracy = self._network.train_on_batch(batch.inputs, batch.targets, batch.weights)
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
        sums = np.zeros(2)
        for together in alike(self._watched(), self._at_once):
            values = self._judged(together)
            sums += sum(len(batch.weights) * value for batch, value in zip(together, values, strict=True))
        loss, accuracy = sums / len(self._phase.validation.labels)
        return float(loss), float(accuracy)

    def _watched(self) -> Iterator[Batch]:
        examples, size = self._phase.validation, self._recipe.batch_size
        for start in range(0, len(examples.labels), size):
            part = slice(start, start + size)
            targets = one_hot(examples.labels[part], self._feed.classes)
            yield Batch(np.asarray(examples.inputs[part]), targets, np.ones(len(targets), np.float32))

    def _judged(self, batches: Sequence[Batch]) -> NDArray[np.float64]:
        """Return losses and accuracies of `batches`, `[K, 2]`."""
        if self._at_once > 1:
            return self._validation(stacked(batches)[:2]).astype(np.float64)
        return np.array([self._network.test_on_batch(batch.inputs, batch.targets) for batch in batches], np.float64)

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
