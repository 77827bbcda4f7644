"""Training a classifier on two tables of samples: features once, then the head on them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.backbones import build_feature_extractor, find_backbone
from components.classifier import join
from components.dataset import Dataset
from components.errors import DataError, UsageError, first_ten
from components.features import extract_features
from components.head import Epoch, LabelledFeatures, Recipe, build_head, fit_head
from components.keras_runtime import keras
from components.progress import Progress
from components.samples import Sample

log = logging.getLogger("pawline")

GOLDEN_COUNT = 4


@dataclass(frozen=True, slots=True)
class BackboneChoice:
    """Which backbone, from which weights, at which image size in pixels a side; 0 stands for the backbone's own."""

    name: str
    weights: str
    image_size: int


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network, every epoch of its training, and a few validation images, uint8 `[K, H, W, 3]`."""

    backbone: str
    network: "keras.Model"
    history: list[Epoch]
    golden_images: NDArray[np.uint8]


def check_recipe(recipe: Recipe) -> None:
    """Check that the recipe's numbers make sense.

    Raises:
        UsageError: one does not.
    """
    rules = {
        "--epochs must be at least 1": (recipe.epochs >= 1, recipe.epochs),
        "--batch-size must be at least 1": (recipe.batch_size >= 1, recipe.batch_size),
        "--learning-rate must be above 0 and at most 10": (0 < recipe.learning_rate <= 10, recipe.learning_rate),
        "--seed must be between 0 and 4294967295": (0 <= recipe.seed < 2**32, recipe.seed),
    }
    for rule, (holds, value) in rules.items():
        if not holds:
            raise UsageError(f"{rule}. Received: {rule.split()[0]} {value}. Correct it.")


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
    dataset: Dataset, train: Sequence[Sample], validation: Sequence[Sample], choice: BackboneChoice, recipe: Recipe
) -> Trained:
    """Return the classifier trained on `train`, of the epoch with the lowest loss on `validation`.

    The same arguments give the same weights, bit by bit, on the same machine.

    Raises:
        DataError: bad samples, a weights file that does not fit, or a loss that is no longer a number.
        ServiceError: the weights or images could not be fetched.
        UsageError: an option is not legal.
    """
    check_recipe(recipe)
    check_samples(dataset.class_names, train, validation)
    if recipe.batch_size > len(train):
        log.info("--batch-size %d is more than the %d training samples: one batch", recipe.batch_size, len(train))
    keras.utils.set_random_seed(recipe.seed)
    backbone = find_backbone(choice.name)
    extractor = build_feature_extractor(backbone, choice.image_size, choice.weights)
    golden = _golden_samples(validation)
    features, pixels = extract_features(extractor, dataset, [*train, *validation], golden)
    labels = np.array([dataset.class_names.index(sample.label) for sample in [*train, *validation]], np.int64)
    cut = len(train)
    fitted, watched = (LabelledFeatures(features[part], labels[part]) for part in (slice(cut), slice(cut, None)))
    head = build_head(fitted.features, len(dataset.class_names), recipe.seed)
    history = _fit(head, fitted, watched, recipe)
    return Trained(backbone.name, join(extractor, head), history, np.stack([pixels[sample_id] for sample_id in golden]))


def _golden_samples(validation: Sequence[Sample]) -> list[str]:
    """Return the ids of a few samples, of different classes as far as there are."""
    first_of_class = {sample.label: sample.sample_id for sample in reversed(validation)}
    ids = [*sorted(first_of_class.values()), *(sample.sample_id for sample in validation)]
    return list(dict.fromkeys(ids))[:GOLDEN_COUNT]


def _fit(
    head: "keras.Sequential", train: LabelledFeatures, validation: LabelledFeatures, recipe: Recipe
) -> list[Epoch]:
    with Progress("epochs", recipe.epochs) as progress:

        def show(epoch: Epoch) -> None:
            progress.note(f"loss {epoch.loss:.4f}, validation loss {epoch.validation_loss:.4f}")
            log.info(
                "epoch %d/%d: loss %.4f, accuracy %.4f, validation loss %.4f, validation accuracy %.4f",
                epoch.epoch,
                recipe.epochs,
                epoch.loss,
                epoch.accuracy,
                epoch.validation_loss,
                epoch.validation_accuracy,
            )
            progress.advance()

        return fit_head(head, train, validation, recipe, show)
