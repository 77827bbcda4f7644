"""Precision, recall, F1 and their averages from counts per class; every function also takes many resamples at once.

Where a number is undefined (precision of a class that is never predicted, recall of one without samples) it is nan for
the class, as scikit-learn's with `zero_division=nan`. The averages count it as 0, as scikit-learn's default does, and
leave out classes that occur neither in truth nor in prediction.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Counts per class, each [..., classes]: right predictions, samples (`support`), and times predicted."""

    right: Floats
    support: Floats
    predicted: Floats

    @property
    def occurring(self) -> NDArray[np.bool_]:
        """Whether a class occurs in truth or prediction."""
        return self.support + self.predicted > 0


def class_counts(matrix: NDArray[np.int64]) -> ClassCounts:
    """Return the counts of a confusion matrix [classes, classes], its rows the truth."""
    counts = np.asarray(matrix, dtype=np.float64)
    return ClassCounts(np.diag(counts), counts.sum(axis=1), counts.sum(axis=0))


def precision(counts: ClassCounts) -> Floats:
    """Return the share of right among those predicted as a class, nan where it is never predicted."""
    return _share(counts.right, counts.predicted)


def recall(counts: ClassCounts) -> Floats:
    """Return the share of a class's samples that are found, nan where it has none."""
    return _share(counts.right, counts.support)


def f1(counts: ClassCounts) -> Floats:
    """Return the harmonic mean of precision and recall, nan where a class does not occur at all."""
    return _share(2 * counts.right, counts.support + counts.predicted)


def balanced_accuracy(counts: ClassCounts) -> Floats:
    """Return the mean recall of the classes that have samples, [...]; as `balanced_accuracy_score`."""
    return _mean_over(recall(counts), counts.support > 0)


def macro(values: Floats, counts: ClassCounts) -> Floats:
    """Return the mean of `values` [..., classes] over the classes that occur, nan counting as 0, [...]."""
    return _mean_over(values, counts.occurring)


def weighted(values: Floats, counts: ClassCounts) -> Floats:
    """Return the mean of `values` [..., classes] weighted by the classes' samples, nan counting as 0, [...]."""
    return _share((np.nan_to_num(values) * counts.support).sum(axis=-1), counts.support.sum(axis=-1))


def rates(matrix: NDArray[np.int64]) -> Floats:
    """Return a confusion matrix with each row divided by its sum, nan where a class has no samples."""
    return _share(np.asarray(matrix, dtype=np.float64), matrix.sum(axis=1, keepdims=True).astype(np.float64))


def _mean_over(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    return _share((np.nan_to_num(values) * chosen).sum(axis=-1), chosen.sum(axis=-1).astype(np.float64))


def _share(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, nan where `whole` is 0."""
    shares: Floats = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=shares, where=whole != 0)
    return shares
