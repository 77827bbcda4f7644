"""Predictions per sample, as the files say them."""

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.dataset.samples import Sample
from components.features.neighbours import Neighbour
from components.metrics.calibration import calibrated
from components.step.errors import DataError
from components.test.predictions import (
    MOST_VALUES,
    TOP,
    predict_samples,
    write_predictions_csv,
    write_predictions_json,
    write_probabilities,
)

CLASS_NAMES = ["cat", "dog", "other"]
ROWS = [
    ("a.png", "cat", [0.7, 0.2, 0.1]),
    ("b.png", "dog", [0.5, 0.5, 0.0]),
    ("c, d.png", "other", [0.0, 0.1, 0.9]),
    ("e.png", "cat", [0.0, 1.0, 0.0]),
]
NEAR = [Neighbour("t1.png", "cat", "train", 0.9), Neighbour('t "2", é.png', "dog", "validation", 0.5)]


def predictions(temperature=1.0):
    samples = [Sample(name, label, "g", "0" * 64, 30, 20) for name, label, _ in ROWS]
    values = np.array([row[2] for row in ROWS], np.float32)
    return predict_samples(samples, values, CLASS_NAMES, temperature, [99.123] * 4, [NEAR, [], [], []])


def test_json_is_a_superset_of_what_the_course_wrote(tmp_path):
    write_predictions_json(tmp_path / "predictions.json", predictions())
    first = json.loads((tmp_path / "predictions.json").read_text())[0]
    assert first == {
        "filename": "a.png",
        "ok": True,
        "prediction": "cat",
        "prediction_truth": "cat",
        "values": [0.7, 0.2, 0.1],
        "confidence": 0.7,
        "group": "g",
        "loss": pytest.approx(-np.log(0.7), abs=1e-6),
        "width": 30,
        "height": 20,
        "brightness": 99.12,
        "thumbnail": "",
        "neighbours": [
            {"sample_id": "t1.png", "label": "cat", "split": "train", "similarity": 0.9},
            {"sample_id": 't "2", é.png', "label": "dog", "split": "validation", "similarity": 0.5},
        ],
        "top": [
            {"label": name, "probability": share} for name, share in zip(CLASS_NAMES, [0.7, 0.2, 0.1], strict=True)
        ],
    }


def test_csv_says_the_same(tmp_path):
    write_predictions_json(tmp_path / "predictions.json", predictions())
    write_predictions_csv(tmp_path / "predictions.csv", predictions())
    with (tmp_path / "predictions.csv").open(newline="") as file:
        rows = [dict(row) for row in csv.DictReader(file)]
    texts = {"filename", "prediction", "prediction_truth", "group", "thumbnail"}
    read = [{name: value if name in texts else json.loads(value) for name, value in row.items()} for row in rows]
    assert read == json.loads((tmp_path / "predictions.json").read_text())


def test_the_first_of_equals_wins():
    assert predictions()[1].prediction == "cat"


def test_confidence_is_calibrated_and_values_are_the_networks_own():
    for raw, sure in zip(predictions(), predictions(temperature=2.5), strict=True):
        assert (raw.values, raw.prediction, raw.loss) == (sure.values, sure.prediction, sure.loss)
    expected = calibrated([row[2] for row in ROWS], 2.5).max(axis=1)
    assert [p.confidence for p in predictions(temperature=2.5)] == pytest.approx(expected, abs=1e-6)


def test_a_label_held_impossible_costs_much_but_not_infinitely():
    assert 30 < predictions()[3].loss < 40


def test_a_network_that_gives_no_numbers_is_refused():
    sample = Sample("a.png", "cat", "g", "0" * 64, 1, 1)
    with pytest.raises(DataError, match="finite"):
        predict_samples([sample], np.array([[np.nan, 0.5, 0.5]], np.float32), CLASS_NAMES, 1.0, [0.0], [[]])


def of_many_classes(count, classes):
    """Return class names, probabilities and predictions of `count` samples."""
    names = [f"class {number:04}" for number in range(classes)]
    values = np.random.default_rng(0).dirichlet(np.ones(classes), count).astype(np.float32)
    samples = [Sample(f"{number}.png", names[number], "g", "0" * 64, 30, 20) for number in range(count)]
    return names, values, predict_samples(samples, values, names, 1.0, [0.0] * count, [[]] * count)


def test_text_grows_with_the_images_not_with_their_classes(tmp_path):
    sizes = {}
    for classes in (MOST_VALUES, 1000):
        _, _, found = of_many_classes(5, classes)
        write_predictions_json(tmp_path / "predictions.json", found)
        write_predictions_csv(tmp_path / "predictions.csv", found)
        sizes[classes] = [(tmp_path / f"predictions.{kind}").stat().st_size for kind in ("json", "csv")]
    assert all(many <= few for few, many in zip(*sizes.values(), strict=True))


def test_the_most_probable_classes_are_named_and_all_are_in_the_table(tmp_path):
    names, values, found = of_many_classes(7, 1000)
    write_probabilities(tmp_path / "all.parquet", found, values, names)
    table = pq.read_table(tmp_path / "all.parquet")
    assert json.loads(table.schema.metadata[b"class_names"]) == names
    assert table.column("filename").to_pylist() == [p.filename for p in found]
    kept = np.array(table.column("probabilities").to_pylist(), np.float32)
    np.testing.assert_array_equal(kept, values)
    for row, p in zip(values, found, strict=True):
        assert p.values == []
        assert len(p.top) == TOP
        assert p.top[0].label == p.prediction
        assert [one.label for one in p.top] == [names[c] for c in np.argsort(-row)[:TOP]]
