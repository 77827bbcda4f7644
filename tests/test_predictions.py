"""Predictions per sample and their statistics, as the files say them."""

import csv
import json

import numpy as np
import pytest

from components.predictions import (
    predict_sample,
    statistics,
    write_predictions_csv,
    write_predictions_json,
)
from components.samples import Sample

CLASS_NAMES = ["cat", "dog", "other"]


def predictions():
    rows = [
        ("a.png", "cat", [0.7, 0.2, 0.1]),
        ("b.png", "dog", [0.5, 0.5, 0.0]),
        ("c, d.png", "other", [0.0, 0.1, 0.9]),
    ]
    return [
        predict_sample(Sample(name, label, "g", "0" * 64, 1, 1), np.array(values, np.float32), CLASS_NAMES)
        for name, label, values in rows
    ]


def test_statistics():
    found = statistics(predictions(), CLASS_NAMES)
    assert {name: found[name] for name in ("ok", "ko", "total")} == {"ok": 2, "ko": 1, "total": 3}
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["accuracy_interval_95"] == pytest.approx([0.2077, 0.9385], abs=1e-4)
    assert found["class_names"] == CLASS_NAMES


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
    }


def test_csv_says_the_same(tmp_path):
    write_predictions_json(tmp_path / "predictions.json", predictions())
    write_predictions_csv(tmp_path / "predictions.csv", predictions())
    with (tmp_path / "predictions.csv").open(newline="") as file:
        rows = [
            {
                **row,
                "ok": json.loads(row["ok"]),
                "values": json.loads(row["values"]),
                "confidence": float(row["confidence"]),
            }
            for row in csv.DictReader(file)
        ]
    assert rows == json.loads((tmp_path / "predictions.json").read_text())


def test_the_first_of_equals_wins():
    assert predictions()[1].prediction == "cat"
