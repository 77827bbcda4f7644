"""The phases of a training, and going through them from wherever a checkpoint stands."""

import logging
from collections.abc import Callable

from components.network.classifier import join, join_in_inference_mode
from components.network.keras_runtime import keras
from components.parameters.recipe import Recipe
from components.step.counts import counted
from components.train.checkpoints import Checkpoint, Checkpoints
from components.train.epoch import FINE_TUNING, HEAD, WHOLE, Epoch
from components.train.fine_tuning import RATE_FACTOR, unfreeze
from components.train.fitting import Fitting, OnEpoch, Phase, Standing, standing_of
from components.train.head import build_head, build_plain_head
from components.train.learning_data import Material, Pair

log = logging.getLogger("pawline")


class PhasedTraining:
    """Trains `extractor`, frozen or not, and the head it makes, phase after phase."""

    def __init__(self, extractor: "keras.Model", material: Material, classes: int, recipe: Recipe) -> None:
        """Make the head; without features the whole network is trained from scratch."""
        self._extractor, self._material, self._recipe, self._classes = extractor, material, recipe, classes
        self.head = self.new_head()

    def new_head(self) -> "keras.Sequential":
        """Return a head as it is before training."""
        if self._material.features is None:
            return build_plain_head(self._extractor.output_shape[-1], self._classes, self._recipe.seed)
        return build_head(self._material.features.train.inputs, self._classes, self._recipe.seed)

    def run(self, checkpoints: Checkpoints | None, on_epoch: OnEpoch) -> list[Epoch]:
        """Train, leave both parts with the best weights over all phases, return every epoch.

        Raises:
            DataError: the loss is no longer a number.
        """
        found = checkpoints.load() if checkpoints else None
        standing = _begun(found)
        resumed_phase = standing.phase
        for epoch in standing.history:  # Whoever listens may have been killed, too, with all it had heard.
            on_epoch(epoch)
        for number, phase_of in enumerate(self._phases()):
            if number < resumed_phase:
                continue
            fitting = Fitting(phase_of(number), self._recipe, standing, checkpoints)
            if found and number == resumed_phase:
                fitting.restore(found)
            fitting.run(on_epoch)
        return standing.history

    def _phases(self) -> list[Callable[[int], Phase]]:
        if self._material.features is None:
            return [self._whole]
        return [self._head, self._fine_tuning] if self._recipe.fine_tune_epochs else [self._head]

    def _whole(self, number: int) -> Phase:
        return self._phase(number, WHOLE, join(self._extractor, self.head), self._material.pixels)

    def _head(self, number: int) -> Phase:
        if self._recipe.augment == "none":
            return self._phase(number, HEAD, self.head, self._material.features)
        network = join_in_inference_mode(self._extractor, self.head)
        return self._phase(number, HEAD, network, self._material.pixels)

    def _fine_tuning(self, number: int) -> Phase:
        learning = unfreeze(self._extractor, self._recipe.fine_tune_layers)
        log.info("fine-tuning: %d of the backbone's layers learn, batch normalisation stays frozen", learning)
        network = join_in_inference_mode(self._extractor, self.head)
        return self._phase(number, FINE_TUNING, network, self._material.pixels)

    def _phase(self, number: int, name: str, network: "keras.Model", pair: Pair | None) -> Phase:
        if pair is None:
            raise ValueError(f"{name} needs material that was not gathered")
        tuning = name == FINE_TUNING
        epochs = self._recipe.fine_tune_epochs if tuning else self._recipe.epochs
        rate = self._recipe.learning_rate * (RATE_FACTOR if tuning else 1.0)
        return Phase(number, name, network, pair.train, pair.validation, epochs, rate)


def _begun(found: Checkpoint | None) -> Standing:
    if found is None:
        return Standing()
    standing = standing_of(found)
    done = f"{counted(standing.epoch, 'epoch')} and {counted(standing.batch, 'step')}"
    log.info("resumed: phase %d, %s done", standing.phase + 1, done)
    return standing
