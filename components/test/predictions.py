"""Predictions per sample, as files that people and programs read.

Text has all probabilities of a few classes, of many only the highest: 1,000 classes would be 16 kB an image. All of
them are in one Parquet table beside it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from components.dataset.columns import floats, texts
from components.dataset.samples import Sample
from components.features.neighbours import Neighbour
from components.metrics.calibration import calibrated
from components.metrics.probabilities import sample_log_losses
from components.step.files import atomic_write, write_json_list
from components.step.spreadsheets import write_for_people

MOST_VALUES = 20  # Classes whose every probability stands in text.
TOP = 5
DECIMALS = 6  # What is the same on every run of one machine; the digits behind depend on how sums are ordered.


@dataclass(frozen=True, slots=True)
class Likely:
    """A class and the network's probability of it."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """One sample's prediction; the first five fields are those that the course's test step wrote.

    `values` are the network's probabilities in the order of class_names, empty of more than MOST_VALUES classes, and
    `top` the TOP most probable ones, the most probable first. `confidence` is the calibrated probability of
    the predicted class, `loss` the cross-entropy of the label's own probability (natural logarithm). `width` and
    `height` are pixels, `brightness` is the mean luma, 0 to 255. `thumbnail` says where the report shows the image,
    "" if it does not; `neighbours` are the nearest training samples, the nearest first. `own`
    has what an evaluator of the user's says of the sample, by name; files have it as fields beside the others.
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
    top: list[Likely] = field(default_factory=list)
    own: dict[str, Any] = field(default_factory=dict)


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
    few, likely = len(class_names) <= MOST_VALUES, np.argsort(-probabilities, axis=1, kind="stable")[:, :TOP]
    names = [class_names[best] for best in probabilities.argmax(axis=1)]
    return [
        Prediction(
            filename=sample.sample_id,
            ok=names[i] == sample.label,
            prediction=names[i],
            prediction_truth=sample.label,
            values=[round(float(value), DECIMALS) for value in probabilities[i]] if few else [],
            confidence=round(float(sure[i]), DECIMALS),
            group=sample.group,
            loss=round(float(losses[i]), DECIMALS),
            width=sample.width,
            height=sample.height,
            brightness=round(brightness[i], 2),
            top=[Likely(class_names[c], round(float(probabilities[i, c]), DECIMALS)) for c in likely[i]],
            neighbours=neighbours[i],
        )
        for i, sample in enumerate(samples)
    ]


def write_predictions_json(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write `predictions` as a JSON list of objects, sorted by file name."""
    write_json_list(path, (_row(prediction) for prediction in predictions))


def write_predictions_csv(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write `predictions` as CSV; `ok` is true or false, lists are JSON."""
    own = list(predictions[0].own) if predictions else []
    names = [*(field.name for field in fields(Prediction) if field.name != "own"), *own]
    rows = (_row(prediction) | _as_json(prediction) for prediction in predictions)
    write_for_people(path, names, ([row[name] for name in names] for row in rows))


def _row(prediction: Prediction) -> dict[str, Any]:
    row = asdict(prediction)
    own: dict[str, Any] = row.pop("own")
    return row | own


def _as_json(prediction: Prediction) -> dict[str, Any]:
    return {
        "ok": json.dumps(prediction.ok),
        "values": json.dumps(prediction.values),
        "neighbours": _json_of(prediction.neighbours),
        "top": _json_of(prediction.top),
    }


def _json_of(found: Sequence[Neighbour] | Sequence[Likely]) -> str:
    return json.dumps([asdict(one) for one in found], ensure_ascii=False)


def write_probabilities(
    path: Path, predictions: Sequence[Prediction], probabilities: NDArray[np.float32], class_names: Sequence[str]
) -> None:
    """Write the network's `probabilities`, float32 `[N, classes]`, of `predictions` as Parquet.

    Columns: `filename`, and `probabilities`, float32 lists in the order of the JSON list `class_names` in the schema's
    metadata.

    Raises:
        ServiceError: `path` cannot be written.
    """
    flat = floats(np.asarray(probabilities, np.float32))
    lists = pa.FixedSizeListArray.from_arrays(flat, len(class_names))
    table = pa.table({"filename": texts([prediction.filename for prediction in predictions]), "probabilities": lists})
    described = {"class_names": json.dumps(list(class_names), ensure_ascii=False)}
    with atomic_write(path) as temporary:
        pq.write_table(table.replace_schema_metadata(described), temporary, compression="zstd", use_dictionary=False)
