"""What came of a training: how the kept network does on the validation samples, and its features of both tables."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.features.network import feature_network
from components.features.training_table import MOST_TRAINING, spread_rows
from components.features.unit import BATCH_SIZE
from components.features.unnamed_file import take_rows
from components.metrics.calibration import fit_temperature
from components.metrics.evaluation import confusion_matrix
from components.network.keras_runtime import keras
from components.train.examples import Examples
from components.train.training import Trained

HEAD_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Outcome:
    """`features`, float32 `[N, D]`, are of the train samples `rows`, evenly spread, and of all validation samples.

    `confusion` counts the validation samples, rows the truth; `temperature` calibrates their probabilities.
    """

    rows: NDArray[np.int64]
    train_features: NDArray[np.float32]
    validation_features: NDArray[np.float32]
    confusion: list[list[int]]
    temperature: float

    @property
    def features(self) -> NDArray[np.float32]:
        """Those of the train samples, then those of the validation samples."""
        return np.concatenate([self.train_features, self.validation_features])


def outcome_of(trained: Trained) -> Outcome:
    """Return what came of `trained`; a backbone that has not changed computes nothing again."""
    train, validation = _examples(trained)
    rows = spread_rows(len(train.labels), MOST_TRAINING)
    watched = _features(trained, validation, np.arange(len(validation.labels)))
    probabilities = _probabilities(trained.head, watched)
    matrix = confusion_matrix(validation.labels.tolist(), probabilities.argmax(1).tolist(), probabilities.shape[1])
    temperature = fit_temperature(probabilities, validation.labels)
    return Outcome(rows, _features(trained, train, rows), watched, matrix.tolist(), temperature)


def _examples(trained: Trained) -> tuple[Examples, Examples]:
    pair = trained.material.pixels if trained.backbone_has_learnt else trained.material.features
    if pair is None:
        raise ValueError("the material must be what the training has learnt from")
    return pair.train, pair.validation


def _features(trained: Trained, examples: Examples, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    if not trained.backbone_has_learnt:
        return np.asarray(examples.inputs[rows], np.float32)
    parts = (rows[start : start + BATCH_SIZE] for start in range(0, len(rows), BATCH_SIZE))
    network = feature_network(trained.extractor)
    batches = (network(take_rows(examples.inputs, part)) for part in parts)
    return np.concatenate([*batches, np.empty((0, trained.extractor.output_shape[-1]), np.float32)])


def _probabilities(head: "keras.Model", features: NDArray[np.float32]) -> NDArray[np.float32]:
    starts = range(0, len(features), HEAD_BATCH)
    parts = [head(features[start : start + HEAD_BATCH], training=False) for start in starts]
    return np.concatenate([np.asarray(keras.ops.convert_to_numpy(part), np.float32) for part in parts])
