"""Numbers that say how good predictions are."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.metrics.classification import class_counts, f1, macro

Z_95 = 1.959963984540054  # The 0.975 quantile of the standard normal distribution.


def wilson_interval(successes: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion, 95 % by default; (0, 1) when nothing was tried.

    Source: E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22.
    """
    if total == 0:
        return 0.0, 1.0
    share = successes / total
    centre = share + z**2 / (2 * total)
    margin = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    low, high = ((centre + sign * margin) / (1 + z**2 / total) for sign in (-1, 1))
    # Rounding must not leave the ends a hair inside or outside of what all or none means.
    return 0.0 if successes == 0 else low, 1.0 if successes == total else high


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Return counts [classes, classes]; rows are the truth, columns the prediction, both indices of class_names."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)), 1)
    return matrix


def accuracy(matrix: NDArray[np.int64]) -> float:
    """Return the share of right predictions in a confusion matrix, 0 when it is empty."""
    total = int(matrix.sum())
    return float(np.trace(matrix)) / total if total else 0.0


def macro_f1(matrix: NDArray[np.int64]) -> float:
    """Return the mean F1 of the classes that occur in truth or prediction, 0 where a class has no true positive.

    As scikit-learn's `f1_score(average="macro", zero_division=0)`; 0 for an empty matrix.
    """
    counts = class_counts(matrix)
    return float(np.nan_to_num(macro(f1(counts), counts)))
