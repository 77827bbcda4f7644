"""The lines of the test report's charts, as `charts.html.j2` draws them."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.step.reports import decimal

MAX_LINES = 4  # As many as colours and dashes tell apart.
LARGEST_DOT, SMALLEST_DOT = 9.0, 2.0  # Radii in pixels.

Series = list[dict[str, Any]]
Rows = Sequence[Mapping[str, Any]]


def learning_curves(history: Rows) -> dict[str, Series]:
    """Return loss and accuracy of train and validation by epoch; empty where the history has none of them."""
    return {
        name: [
            {"name": split, "points": [(row["epoch"], row[key]) for row in history]}
            for split, key in (("train", name), ("validation", f"validation_{name}"))
            if history and all(_drawable(row.get(key)) for row in history)
        ]
        for name in ("loss", "accuracy")
    }


def kept_epoch(history: Rows) -> tuple[int, str] | None:
    """Return the epoch that is kept and the word to write at it."""
    return next(((row["epoch"], "kept") for row in history if row.get("kept")), None)


def reliability_lines(calibration: Mapping[str, Any]) -> Series:
    """Return accuracy by confidence after and before calibration; the area of a dot is its share of the images."""
    return [
        {
            "name": f"{when} calibration",
            "points": [(part["confidence"], part["accuracy"]) for part in calibration[when]["reliability"]],
            "sizes": _dots([part["count"] for part in calibration[when]["reliability"]]),
        }
        for when in ("after", "before")
    ]


def _dots(counts: Sequence[int]) -> list[float]:
    return [round(max(SMALLEST_DOT, LARGEST_DOT * math.sqrt(count / max(counts))), 1) for count in counts]


def coverage_line(abstention: Mapping[str, Any]) -> Series:
    """Return accuracy by the share of images answered."""
    curve = abstention["curve"]
    return [{"name": "of the answered", "points": list(zip(curve["coverage"], curve["accuracy"], strict=True))}]


def roc_lines(curves: Mapping[str, Any]) -> Series:
    """Return the ROC curves of the classes with the smallest areas."""
    return [
        {
            "name": f"{name} {decimal(area)}",
            "points": list(zip(shown["roc"]["false_positive_rate"], shown["roc"]["true_positive_rate"], strict=True)),
        }
        for name, area, shown in _worst(curves, "roc_auc")
    ]


def precision_recall_lines(curves: Mapping[str, Any]) -> Series:
    """Return the precision-recall curves of the classes with the smallest areas, as steps."""
    return [
        {"name": f"{name} {decimal(area)}", "points": _steps(shown["precision_recall"])}
        for name, area, shown in _worst(curves, "average_precision")
    ]


def _worst(curves: Mapping[str, Any], area: str) -> list[tuple[str, float, Mapping[str, Any]]]:
    areas = {one["class_name"]: one[area] for one in curves["classes"]}
    shown = [(one["class_name"], areas[one["class_name"]], one) for one in curves["shown"]]
    return sorted((one for one in shown if one[1] is not None), key=lambda one: one[1])[:MAX_LINES]


def _steps(curve: Mapping[str, Sequence[float]]) -> list[tuple[float, float]]:
    points = list(zip(curve["recall"], curve["precision"], strict=True))
    corners = ((x, above) for (x, _), (_, above) in itertools.pairwise(points))
    return points[:1] + [p for pair in zip(corners, points[1:], strict=True) for p in pair]


def _drawable(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
