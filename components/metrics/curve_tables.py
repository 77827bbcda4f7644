"""ROC and precision-recall of every class against the rest, as JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.metrics.curves import Curve, average_precision, precision_recall_curve, roc_auc, roc_curve, thinned
from components.step.json_numbers import json_number, mean_number, rounded_numbers

MAX_CURVES = 20

Floats = NDArray[np.float64]


def curve_tables(labels: NDArray[np.int64], probabilities: Floats, class_names: Sequence[str]) -> dict[str, Any]:
    """Return the areas of all classes and the curves of at most MAX_CURVES of them, those that are told apart worst.

    Args:
        labels: int [N], the indices of the true classes.
        probabilities: float [N, classes].
        class_names: in the order of the columns.
    """
    areas = [_areas(labels == i, probabilities[:, i]) for i in range(len(class_names))]
    # Sorting puts nan, the area of a class that has no curve, last.
    worst_first = np.argsort([area["average_precision"] for area in areas], kind="stable").tolist()
    drawable = [i for i in worst_first if np.isfinite(areas[i]["roc_auc"])]
    return {
        "macro_roc_auc": mean_number(area["roc_auc"] for area in areas),
        "macro_average_precision": mean_number(area["average_precision"] for area in areas),
        "classes": [
            {"class_name": name, **{key: json_number(value) for key, value in area.items()}}
            for name, area in zip(class_names, areas, strict=True)
        ],
        "shown": [_drawn(class_names[i], labels == i, probabilities[:, i]) for i in sorted(drawable[:MAX_CURVES])],
    }


def curve_points(curve: Curve, x: str, y: str) -> dict[str, list[float | None]]:
    """Return at most `curves.POINTS` points of `curve` as columns named `x`, `y` and "threshold"."""
    few = thinned(curve)
    return {name: rounded_numbers(values) for name, values in ((x, few.x), (y, few.y), ("threshold", few.thresholds))}


def _areas(truth: NDArray[np.bool_], scores: Floats) -> dict[str, float]:
    return {
        "roc_auc": roc_auc(roc_curve(truth, scores)),
        "average_precision": average_precision(precision_recall_curve(truth, scores)),
    }


def _drawn(name: str, truth: NDArray[np.bool_], scores: Floats) -> dict[str, Any]:
    return {
        "class_name": name,
        "roc": curve_points(roc_curve(truth, scores), "false_positive_rate", "true_positive_rate"),
        "precision_recall": curve_points(precision_recall_curve(truth, scores), "recall", "precision"),
    }
