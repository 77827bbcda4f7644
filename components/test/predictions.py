"""Predictions per sample, as files that people and programs read."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.dataset.samples import Sample
from components.features.neighbours import Neighbour
from components.metrics.calibration import calibrated
from components.metrics.probabilities import sample_log_losses
from components.step.files import write_json
from components.step.spreadsheets import write_for_people

DECIMALS = 6  # What is the same on every run of one machine; the digits behind depend on how sums are ordered.


@dataclass(frozen=True, slots=True)
class Prediction:
    """One sample's prediction; the first five fields are those that the course's test step wrote.

    `values` are the network's probabilities in the order of class_names, `confidence` is the calibrated probability of
    the predicted class, `loss` the cross-entropy of the label's own probability (natural logarithm). `width` and
    `height` are pixels, `brightness` is the mean luma, 0 to 255. `thumbnail` says where the report shows the image,
    "" if it does not; `neighbours` are the nearest training samples, the nearest first.
    """

    filename: str
    ok: bool
    prediction: str
    prediction_truth: str
    values: list[float]
    confidence: float
    group: str
    loss: float
    width: int
    height: int
    brightness: float
    thumbnail: str = ""
    neighbours: list[Neighbour] = field(default_factory=list)


def predict_samples(
    samples: Sequence[Sample],
    probabilities: NDArray[np.float32],
    class_names: Sequence[str],
    temperature: float,
    brightness: Sequence[float],
    neighbours: Sequence[list[Neighbour]],
) -> list[Prediction]:
    """Return the predictions that `probabilities`, float [N, classes], make for `samples`; the first of equals wins.

    Raises:
        DataError: a probability is not a finite number.
    """
    sure = calibrated(probabilities, temperature).max(axis=1)
    labels = np.array([class_names.index(sample.label) for sample in samples], np.int64)
    losses = sample_log_losses(probabilities.astype(np.float64), labels)
    names = [class_names[best] for best in probabilities.argmax(axis=1)]
    return [
        Prediction(
            filename=sample.sample_id,
            ok=names[i] == sample.label,
            prediction=names[i],
            prediction_truth=sample.label,
            values=[round(float(value), DECIMALS) for value in probabilities[i]],
            confidence=round(float(sure[i]), DECIMALS),
            group=sample.group,
            loss=round(float(losses[i]), DECIMALS),
            width=sample.width,
            height=sample.height,
            brightness=round(brightness[i], 2),
            neighbours=neighbours[i],
        )
        for i, sample in enumerate(samples)
    ]


def write_predictions_json(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write `predictions` as a JSON list of objects, sorted by file name."""
    write_json(path, [asdict(prediction) for prediction in predictions])


def write_predictions_csv(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write `predictions` as CSV; `ok` is true or false, `values` and `neighbours` are JSON lists."""
    names = [field.name for field in fields(Prediction)]
    rows = (asdict(prediction) | _as_json(prediction) for prediction in predictions)
    write_for_people(path, names, ([row[name] for name in names] for row in rows))


def _as_json(prediction: Prediction) -> dict[str, Any]:
    neighbours = [asdict(neighbour) for neighbour in prediction.neighbours]
    return {
        "ok": json.dumps(prediction.ok),
        "values": json.dumps(prediction.values),
        "neighbours": json.dumps(neighbours, ensure_ascii=False),
    }
