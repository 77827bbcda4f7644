"""Everything the test step says about a model in numbers, as plain JSON: null where a number is undefined."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.metrics.abstention import Suggestion, abstention_curve, suggest_thresholds
from components.metrics.calibration import calibrated
from components.metrics.classification import class_counts, macro, precision, recall, weighted
from components.metrics.confusion_tables import class_table, largest_confusions, matrix_table
from components.metrics.curve_tables import curve_points, curve_tables
from components.metrics.curves import Curve
from components.metrics.evaluation import confusion_matrix, wilson_interval
from components.metrics.headline import Outcomes, headline_intervals, headline_values
from components.metrics.probabilities import reliability, truth_ranks
from components.metrics.slices import Slice, slices_by_group, slices_by_name, slices_by_quarter
from components.step.errors import DataError

TOP_K = (1, 2, 3, 5, 10)
TOP_K_FROM = 6  # Among five classes or fewer, the best three hardly say anything.


def assess(
    labels: ArrayLike,
    probabilities: ArrayLike,
    class_names: Sequence[str],
    groups: Sequence[str],
    sizes: ArrayLike,
    brightness: ArrayLike,
    temperature: float,
    seed: int,
) -> dict[str, Any]:
    """Return the statistics of a model's predictions, which `json.dumps(..., allow_nan=False)` takes.

    `log_loss`, `brier`, `expected_calibration_error` and `abstention` are of the calibrated probabilities, `curves` and
    `top_k` of the network's own, `calibration` of both. The same input gives the same statistics.

    Args:
        labels: int [N], the indices of the true classes.
        probabilities: float [N, classes], as the network gives them.
        class_names: the classes in the order of the columns.
        groups: each sample's group [N]; the bootstrap draws whole groups.
        sizes: int [N, 2], width and height in pixels.
        brightness: float [N], mean luma from 0 to 255.
        temperature: as `fit_temperature` gave it on the validation samples.
        seed: of the bootstrap.

    Raises:
        DataError: there are no samples, or a probability is not a finite number.
        ValueError: the arguments are not of one length, or a label is no index of `class_names`.
    """
    truth, raw = np.asarray(labels, dtype=np.int64), np.asarray(probabilities, dtype=np.float64)
    pixels, luma = np.asarray(sizes, dtype=np.float64), np.asarray(brightness, dtype=np.float64)
    _check(truth, raw, class_names, (groups, pixels, luma))
    predicted = np.asarray(raw.argmax(axis=1), dtype=np.int64)
    before = Outcomes(truth, predicted, raw)
    after = Outcomes(truth, predicted, calibrated(raw, temperature))
    matrix = confusion_matrix(truth, predicted, len(class_names))
    return {
        **_headline(after, matrix, groups, seed),
        "class_names": list(class_names),
        "classes": class_table(matrix, class_names),
        "confusion_matrix": matrix_table(matrix),
        "confusions": largest_confusions(matrix, class_names),
        "curves": curve_tables(truth, raw, class_names),
        "top_k": _top_k(truth, raw),
        "calibration": {"temperature": temperature, "before": _calibration(before), "after": _calibration(after)},
        "abstention": _abstention(after),
        "slices": {
            "by_class": _plain(slices_by_name([class_names[i] for i in truth], before.right, class_names)),
            "by_group": _plain(slices_by_group(groups, before.right)),
            "by_size": _plain(slices_by_quarter(pixels.min(axis=1), before.right, "px, the shorter side")),
            "by_brightness": _plain(slices_by_quarter(luma, before.right, "of 255")),
        },
    }


def _check(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    class_names: Sequence[str],
    others: Sequence[Sequence[str] | NDArray[np.float64]],
) -> None:
    if not len(labels):
        raise DataError("There must be samples to assess. Received: none. Run split with a larger test_ratio.")
    lengths = [len(labels), *(len(other) for other in others)]
    if len(set(lengths)) > 1 or probabilities.shape != (len(labels), len(class_names)):
        raise ValueError(f"Arguments must be of one length. Received: {lengths}, probabilities {probabilities.shape}.")
    if labels.min() < 0 or labels.max() >= len(class_names):
        raise ValueError(f"Labels must be indices of class_names. Received: {labels.min()} to {labels.max()}.")


def _headline(outcomes: Outcomes, matrix: NDArray[np.int64], groups: Sequence[str], seed: int) -> dict[str, Any]:
    counts = class_counts(matrix)
    ok, total = int(counts.right.sum()), len(outcomes.labels)
    intervals = _intervals(outcomes, groups, seed)
    return {
        "ok": ok,
        "ko": total - ok,
        "total": total,
        "groups": len(set(groups)),
        **headline_values(outcomes),
        "macro_precision": float(macro(precision(counts), counts)),
        "macro_recall": float(macro(recall(counts), counts)),
        "weighted_precision": float(weighted(precision(counts), counts)),
        "weighted_recall": float(weighted(recall(counts), counts)),
        "intervals": intervals,
        "accuracy_interval_95": [intervals["accuracy"]["low"], intervals["accuracy"]["high"]],
    }


def _intervals(outcomes: Outcomes, groups: Sequence[str], seed: int) -> dict[str, Any]:
    """Return low, high and method for each headline metric; null where one group says nothing of others."""
    grouped = len(set(groups)) < len(outcomes.labels)
    method = "bootstrap by group" if grouped else "bootstrap"
    found = headline_intervals(outcomes, groups, seed)
    low, high = wilson_interval(int(outcomes.right.sum()), len(outcomes.labels))
    accuracy = {"low": low, "high": high, "method": "wilson"}
    if grouped and found["accuracy"]:
        # Wilson takes samples as independent; in groups they are not. The bootstrap sees that, but no doubt at 100 %.
        low, high = min(low, found["accuracy"][0]), max(high, found["accuracy"][1])
        accuracy = {"low": low, "high": high, "method": "wilson and bootstrap by group, the wider"}
    plain = {name: ends and {"low": ends[0], "high": ends[1], "method": method} for name, ends in found.items()}
    return {**plain, "accuracy": accuracy}


def _top_k(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> list[dict[str, Any]] | None:
    classes = probabilities.shape[1]
    if classes < TOP_K_FROM:
        return None
    ranks = truth_ranks(probabilities, labels)
    hits = {k: int((ranks < k).sum()) for k in TOP_K if k < classes}
    total = len(ranks)
    return [{"k": k, "accuracy": ok / total, "interval": list(wilson_interval(ok, total))} for k, ok in hits.items()]


def _calibration(outcomes: Outcomes) -> dict[str, Any]:
    values = headline_values(outcomes)
    bins = [
        {**asdict(part), "accuracy": part.right / part.count, "interval": list(wilson_interval(part.right, part.count))}
        for part in reliability(outcomes.confidences, outcomes.right)
    ]
    scores = {name: values[name] for name in ("log_loss", "brier", "expected_calibration_error")}
    return {**scores, "reliability": bins}


def _abstention(outcomes: Outcomes) -> dict[str, Any]:
    curve = abstention_curve(outcomes.confidences, outcomes.right)
    points = Curve(curve.coverage, curve.accuracy, curve.thresholds)
    return {
        "curve": curve_points(points, "coverage", "accuracy"),
        "suggestions": _plain(suggest_thresholds(curve)),
    }


def _plain(found: Sequence[Slice] | Sequence[Suggestion]) -> list[dict[str, Any]]:
    return [{**asdict(one), "interval": list(one.interval)} for one in found]
