"""ROC and precision-recall curves of one class against the rest, and the areas under them.

`truth` is bool [N], whether a sample is of the class, `scores` float [N], its probability for the class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POINTS = 200  # More cannot be told apart on a screen.

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (x, y) and the smallest score that each takes as positive, all float64 [points]."""

    x: Floats
    y: Floats
    thresholds: Floats


def counts_at_thresholds(truth: NDArray[np.bool_], scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Return true and false positives with each distinct score as the threshold, and these, falling; N at least 1."""
    order = np.argsort(-scores, kind="stable")
    ranked = np.asarray(scores, dtype=np.float64)[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    true = np.cumsum(truth[order], dtype=np.float64)[ends]
    return true, 1 + ends - true, ranked[ends]


def roc_curve(truth: NDArray[np.bool_], scores: Floats) -> Curve:
    """Return false positive rate (x) and true positive rate (y) by falling threshold, the first of them infinite.

    As scikit-learn's `roc_curve(drop_intermediate=False)`; a rate is nan where there is nothing to take a share of.
    """
    true, false, thresholds = counts_at_thresholds(truth, scores)
    true, false = np.concatenate([[0.0], true]), np.concatenate([[0.0], false])
    return Curve(_share(false), _share(true), np.concatenate([[np.inf], thresholds]))


def precision_recall_curve(truth: NDArray[np.bool_], scores: Floats) -> Curve:
    """Return recall (x, rising) and precision (y) by falling threshold; recall is nan where no sample is of the class.

    The points of scikit-learn's `precision_recall_curve`, from the other end and without its made-up (0, 1).
    """
    true, false, thresholds = counts_at_thresholds(truth, scores)
    return Curve(_share(true), true / (true + false), thresholds)


def roc_auc(curve: Curve) -> float:
    """Return the area under a ROC curve by trapezoids; nan where all samples or none are of the class."""
    return float(np.trapezoid(curve.y, curve.x))


def average_precision(curve: Curve) -> float:
    """Return the precision at each threshold weighted by the recall it adds; nan where no sample is of the class.

    As scikit-learn's `average_precision_score`, which does not interpolate.
    """
    return float(np.sum(np.diff(curve.x, prepend=0.0) * curve.y))


def thinned(curve: Curve, points: int = POINTS) -> Curve:
    """Return at most `points` points of `curve`, evenly spaced along it, its two ends among them."""
    if len(curve.x) <= points:
        return curve
    travelled = np.cumsum(np.abs(np.diff(curve.x, prepend=curve.x[0])) + np.abs(np.diff(curve.y, prepend=curve.y[0])))
    chosen = np.searchsorted(travelled, np.linspace(0.0, travelled[-1], points))
    chosen = np.unique(np.append(chosen.clip(max=len(travelled) - 1)[:-1], len(travelled) - 1))
    return Curve(curve.x[chosen], curve.y[chosen], curve.thresholds[chosen])


def _share(counts: Floats) -> Floats:
    return counts / counts[-1] if counts[-1] else np.full_like(counts, np.nan)
