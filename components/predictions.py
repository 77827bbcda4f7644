"""Predictions per sample and what they sum up to, as files that people and programs read."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.evaluation import accuracy, confusion_matrix, macro_f1, wilson_interval
from components.files import atomic_write, write_json
from components.samples import Sample

DECIMALS = 6  # What is the same on every run of one machine; the digits behind depend on how sums are ordered.


@dataclass(frozen=True, slots=True)
class Prediction:
    """One sample's prediction; `values` are the probabilities in the order of class_names.

    The first five fields are those that the course's test step wrote.
    """

    filename: str
    ok: bool
    prediction: str
    prediction_truth: str
    values: list[float]
    confidence: float
    group: str


def predict_sample(sample: Sample, probabilities: NDArray[np.float32], class_names: Sequence[str]) -> Prediction:
    """Return the prediction that `probabilities`, float [classes], make for `sample`; the first of equals wins."""
    best = int(np.argmax(probabilities))
    values = [round(float(value), DECIMALS) for value in probabilities]
    name = class_names[best]
    return Prediction(sample.sample_id, name == sample.label, name, sample.label, values, values[best], sample.group)


def confusion(predictions: Sequence[Prediction], class_names: Sequence[str]) -> NDArray[np.int64]:
    """Return the confusion matrix of `predictions`, rows and columns in the order of class_names."""
    index = {name: position for position, name in enumerate(class_names)}
    truth = [index[p.prediction_truth] for p in predictions]
    return confusion_matrix(truth, [index[p.prediction] for p in predictions], len(class_names))


def statistics(predictions: Sequence[Prediction], class_names: Sequence[str]) -> dict[str, Any]:
    """Return the counts `ok`, `ko`, `total`, accuracy with its 95 % Wilson interval, macro-F1 and class_names."""
    matrix = confusion(predictions, class_names)
    ok, total = int(np.trace(matrix)), len(predictions)
    return {
        "ok": ok,
        "ko": total - ok,
        "total": total,
        "accuracy": accuracy(matrix),
        "accuracy_interval_95": list(wilson_interval(ok, total)),
        "macro_f1": macro_f1(matrix),
        "class_names": list(class_names),
    }


def write_predictions_json(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write `predictions` as a JSON list of objects, sorted by file name."""
    write_json(path, [asdict(prediction) for prediction in predictions])


def write_predictions_csv(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write `predictions` as CSV; `ok` is true or false and `values` a JSON list."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Prediction)], lineterminator="\n")
        writer.writeheader()
        for p in predictions:
            writer.writerow({**asdict(p), "ok": json.dumps(p.ok), "values": json.dumps(p.values)})
