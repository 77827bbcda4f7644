"""Abstaining: what is gained in accuracy when the model may say "I do not know" below a confidence threshold.

Source: R. El-Yaniv and Y. Wiener (2010), "On the foundations of noise-free selective classification", JMLR 11.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.metrics.curves import counts_at_thresholds
from components.metrics.evaluation import wilson_interval

TARGETS = (0.9, 0.95, 0.98, 0.99)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Answer when the confidence is at least `threshold`: for `coverage` of the samples, with `accuracy` on these."""

    target: float
    threshold: float
    coverage: float
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class AbstentionCurve:
    """For each distinct confidence as the threshold, falling: samples answered and right ones among them, [points]."""

    thresholds: NDArray[np.float64]
    answered: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def coverage(self) -> NDArray[np.float64]:
        """The share of samples answered."""
        return np.asarray(self.answered / self.answered[-1])

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """The share of right among the answered."""
        return np.asarray(self.right / self.answered)


def abstention_curve(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> AbstentionCurve:
    """Return the curve of `confidences` float [N], N at least 1, and whether each prediction is `right`, bool [N]."""
    hits, misses, thresholds = counts_at_thresholds(right, confidences)
    return AbstentionCurve(thresholds, hits + misses, hits)


def suggest_thresholds(curve: AbstentionCurve, targets: Sequence[float] = TARGETS) -> list[Suggestion]:
    """Return for each accuracy in `targets` the threshold that answers most samples with it; none where none does.

    It is chosen on the samples it is measured on, so the accuracy is a little flattered; the interval says by how much
    it may be.
    """
    found = [_suggest(curve, target) for target in targets]
    return [suggestion for suggestion in found if suggestion]


def _suggest(curve: AbstentionCurve, target: float) -> Suggestion | None:
    # With fewer answers than this, one mistake would already miss the target: they would be no evidence for it.
    enough = round(1 / (1 - target))
    reaching = np.flatnonzero((curve.accuracy >= target) & (curve.answered >= enough))
    if not len(reaching):
        return None
    at = reaching[-1]
    interval = wilson_interval(int(curve.right[at]), int(curve.answered[at]))
    threshold, coverage, accuracy = (float(a[at]) for a in (curve.thresholds, curve.coverage, curve.accuracy))
    return Suggestion(target, threshold, coverage, accuracy, interval)
