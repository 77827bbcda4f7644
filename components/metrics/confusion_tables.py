"""What is taken for what: a line per class, the confusion matrix and its largest confusions, as JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.metrics.classification import class_counts, f1, precision, rates, recall
from components.metrics.evaluation import wilson_interval
from components.step.json_numbers import json_number, rounded_numbers

MAX_MATRIX_CLASSES = 100  # 1,000 classes would be a million cells; the largest confusions are listed in any case.
MAX_CONFUSIONS = 50

Matrix = NDArray[np.int64]


def class_table(matrix: Matrix, class_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return support, precision, recall, F1 and intervals for each class; null where undefined."""
    counts = class_counts(matrix)
    right, support, predicted = (a.astype(int).tolist() for a in (counts.right, counts.support, counts.predicted))
    scores = {"precision": precision(counts), "recall": recall(counts), "f1": f1(counts)}
    return [
        {
            "class_name": name,
            "support": support[i],
            "predicted": predicted[i],
            "right": right[i],
            **{score: json_number(values[i]) for score, values in scores.items()},
            "precision_interval": _wilson(right[i], predicted[i]),
            "recall_interval": _wilson(right[i], support[i]),
        }
        for i, name in enumerate(class_names)
    ]


def matrix_table(matrix: Matrix) -> dict[str, Any] | None:
    """Return counts, and rates by row with null where a class has no samples; None above MAX_MATRIX_CLASSES."""
    if len(matrix) > MAX_MATRIX_CLASSES:
        return None
    return {"counts": matrix.tolist(), "rates": [rounded_numbers(row) for row in rates(matrix)]}


def largest_confusions(matrix: Matrix, class_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return at most MAX_CONFUSIONS wrong cells with samples, the largest first; `rate` is the share of the truth."""
    wrong = matrix - np.diag(np.diag(matrix))
    truth, predicted = np.nonzero(wrong)
    first = np.argsort(-wrong[truth, predicted], kind="stable")[:MAX_CONFUSIONS]
    support = matrix.sum(axis=1)
    return [
        {
            "truth": class_names[row],
            "predicted": class_names[column],
            "count": int(wrong[row, column]),
            "rate": float(wrong[row, column] / support[row]),
        }
        for row, column in zip(truth[first], predicted[first], strict=True)
    ]


def _wilson(part: int, whole: int) -> list[float] | None:
    return list(wilson_interval(part, whole)) if whole else None
