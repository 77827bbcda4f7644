"""Training a classifier on two tables of samples: the head on features, then what the recipe asks for on pixels."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.backbones.by_name import Backbone, build_feature_extractor, find_backbone
from components.backbones.conformance import check_preprocessing
from components.dataset.own_samples import own_samples
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.engine.opening import OpenEngine
from components.network.classifier import join
from components.network.keras_runtime import keras
from components.parameters.networks import IMAGENET, NONE, check_fine_tuning, check_image_size
from components.parameters.recipe import Recipe, check_recipe
from components.step.errors import DataError, first_ten, one_line
from components.step.findings import check_all_kept
from components.step.stopwatch import Stopwatch
from components.train.checkpoints import Checkpoints
from components.train.epoch import Epoch
from components.train.fitting import OnEpoch, best_epoch
from components.train.key import training_key
from components.train.learning_data import Material, Source, gather
from components.train.own_augmentation import check_augmentation
from components.train.phases import PhasedTraining

log = logging.getLogger("pawline")

CHECKED_IMAGES = 4  # Of a user's own augmentation.


@dataclass(frozen=True, slots=True)
class BackboneChoice:
    """Which backbone, from which weights, at which image size in pixels a side; 0 stands for the backbone's own."""

    name: str
    weights: str
    image_size: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where training keeps what outlives it or does not fit in memory; without `checkpoint_uri` nothing is resumed.

    `results` is where they go, by which a run's attempts know each other. `open_engine` says who computes features.
    """

    pixel_folder: Path
    cache_uri: str = ""
    checkpoint_uri: str = ""
    checkpoint_seconds: float = 300.0
    results: str = ""
    open_engine: OpenEngine = nullcontext


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network and its two parts, every epoch, and what it learnt from.

    `weights` says where the backbone's first weights came from: "none" for random ones, whatever was asked for.
    `backbone_has_learnt` says that the material's features are not those of the trained backbone.
    """

    backbone: str
    weights: str
    network: "keras.Model"
    extractor: "keras.Model"
    head: "keras.Model"
    history: list[Epoch]
    material: Material
    backbone_has_learnt: bool
    checkpoints: Checkpoints | None

    @property
    def best(self) -> Epoch:
        """The epoch whose weights the network has."""
        return best_epoch(self.history)

    @property
    def golden_images(self) -> NDArray[np.uint8]:
        """A few validation images, uint8 `[K, H, W, 3]`."""
        return self.material.golden_images


def check_samples(class_names: Sequence[str], train: Sequence[Sample], validation: Sequence[Sample]) -> None:
    """Check that every class can be learnt and that there is something to watch.

    Raises:
        DataError: no validation samples, a class without training samples, or one that the dataset does not have.
    """
    if not validation:
        raise DataError("There must be validation samples. Received: 0. Run split with a larger --validation-ratio.")
    learnt = {sample.label for sample in train}
    if missing := sorted(set(class_names) - learnt):
        raise DataError(
            f"Every class needs training samples. Received none of: {first_ten(missing)}. Run split with a larger "
            "--train-ratio, or label more images."
        )
    if unknown := sorted((learnt | {sample.label for sample in validation}) - set(class_names)):
        raise DataError(f"Every label must be of the dataset. Received: {first_ten(unknown)}. Run split again.")


def train_classifier(
    dataset: Dataset,
    train: Sequence[Sample],
    validation: Sequence[Sample],
    choice: BackboneChoice,
    recipe: Recipe,
    places: Places,
    stopwatch: Stopwatch,
    on_epoch: OnEpoch = lambda epoch: None,
) -> Trained:
    """Return the classifier trained on `train`, of the epoch with the lowest loss on `validation`.

    The same arguments give the same weights, bit by bit, on the same CPU, however often training was killed and begun
    again in between. `on_epoch` is called for each epoch, at once for those of a resumed checkpoint.

    Raises:
        DataError: bad samples, a weights file that does not fit, or a loss that is no longer a number.
        ServiceError: the weights or images could not be fetched.
        UsageError: an option is not legal.
    """
    check_recipe(recipe)
    check_samples(dataset.class_names, train, validation)
    own_samples(dataset, {"train": train, "validation": validation})
    if recipe.batch_size > len(train):
        log.info("--batch-size %d is more than the %d training samples: one batch", recipe.batch_size, len(train))
    backbone = find_backbone(choice.name)
    check_fine_tuning(backbone, recipe.fine_tune_epochs)
    with stopwatch.measured("backbone"):
        _check_preprocessing(recipe.preprocessing, backbone, choice)
        extractor = _extractor(backbone, choice, recipe)
        key = training_key(dataset, train, validation, backbone.name, extractor, recipe)
    checkpoints = _checkpoints(places, key)
    if checkpoints:
        log.info("the checkpoint is kept as %s", key)  # By which `pawline clean` knows whose it is.
    from_scratch = backbone.trained_from_scratch
    needs_pixels = from_scratch or recipe.augment != "none" or recipe.fine_tune_epochs > 0
    source = Source(dataset, train, validation, places.pixel_folder, places.cache_uri, places.open_engine)
    material = gather(extractor, source, not from_scratch, needs_pixels, stopwatch)
    _check_augmentation(recipe.augment, material)
    training = PhasedTraining(extractor, material, len(dataset.class_names), recipe)
    with stopwatch.measured("training"):
        history = training.run(checkpoints, on_epoch)
    parts = _for_saving(backbone, choice, recipe, extractor, training)
    learnt = from_scratch or recipe.fine_tune_epochs > 0
    return Trained(
        backbone.name, _first_weights(backbone, choice), join(*parts), *parts, history, material, learnt, checkpoints
    )


def _checkpoints(places: Places, key: str) -> Checkpoints | None:
    if not places.checkpoint_uri:
        return None
    return Checkpoints(places.checkpoint_uri, key, places.checkpoint_seconds, places.results)


def _extractor(backbone: Backbone, choice: BackboneChoice, recipe: Recipe) -> "keras.Model":
    keras.utils.set_random_seed(recipe.seed)
    return build_feature_extractor(backbone, choice.image_size, choice.weights, recipe.preprocessing)


def _check_preprocessing(name: str, backbone: Backbone, choice: BackboneChoice) -> None:
    if name:  # Now: what cannot be exported would be found out at the training's end.
        found = check_preprocessing(name, check_image_size(backbone, choice.image_size))
        check_all_kept("A preprocessing", f"--preprocessing {one_line(name, 120)}", found)


def _check_augmentation(name: str, material: Material) -> None:
    if ":" in name and material.pixels:
        found = check_augmentation(name, np.asarray(material.pixels.train.inputs[:CHECKED_IMAGES]))
        check_all_kept("An augmentation", f"--augment {one_line(name, 120)}", found)


def _first_weights(backbone: Backbone, choice: BackboneChoice) -> str:
    return NONE if backbone.trained_from_scratch and choice.weights == IMAGENET else choice.weights


def _for_saving(
    backbone: Backbone, choice: BackboneChoice, recipe: Recipe, extractor: "keras.Model", training: PhasedTraining
) -> tuple["keras.Model", "keras.Model"]:
    """Return the trained extractor and head, in float32 whatever they were trained in: who serves may have no GPU."""
    head = training.head
    if keras.config.dtype_policy().name != "float32":
        values = [part.get_weights() for part in (extractor, head)]
        keras.config.set_dtype_policy("float32")
        extractor, head = _extractor(backbone, choice, recipe), training.new_head()
        for part, value in zip((extractor, head), values, strict=True):
            part.set_weights(value)
    return extractor, head
