"""The few numbers that sum a model up, each with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.metrics.bootstrap import percentile_interval, resampled_weights, summed_by
from components.metrics.classification import ClassCounts, balanced_accuracy, f1, macro, weighted
from components.metrics.probabilities import (
    BINS,
    confidence_bins,
    sample_brier_scores,
    sample_log_losses,
)

Floats = NDArray[np.float64]

MOST = {"log_loss": np.inf, "brier": 2.0}  # The others are shares.

ROUNDING = 1e-9  # Less is the order in which numbers were added up.


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a model said of N samples: `labels` and `predicted` int [N], `probabilities` float [N, classes]."""

    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: Floats

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each prediction is right."""
        return np.asarray(self.labels == self.predicted)

    @property
    def confidences(self) -> Floats:
        """The probability of each predicted class."""
        return np.asarray(self.probabilities[np.arange(len(self.predicted)), self.predicted], dtype=np.float64)


def headline_metrics(outcomes: Outcomes, weights: Floats) -> Mapping[str, Floats]:
    """Return each headline metric, float64 [resamples], of the samples as often as `weights` [resamples, N] says."""
    classes = outcomes.probabilities.shape[1]
    drawn = weights.sum(axis=1)
    hits = weights * outcomes.right
    counts = ClassCounts(
        summed_by(hits, outcomes.labels, classes),
        summed_by(weights, outcomes.labels, classes),
        summed_by(weights, outcomes.predicted, classes),
    )
    gaps = summed_by(weights * (outcomes.right - outcomes.confidences), confidence_bins(outcomes.confidences), BINS)
    return {
        "accuracy": hits.sum(axis=1) / drawn,
        "balanced_accuracy": balanced_accuracy(counts),
        "macro_f1": macro(f1(counts), counts),
        "weighted_f1": weighted(f1(counts), counts),
        "log_loss": weights @ sample_log_losses(outcomes.probabilities, outcomes.labels) / drawn,
        "brier": weights @ sample_brier_scores(outcomes.probabilities, outcomes.labels) / drawn,
        "expected_calibration_error": np.abs(gaps).sum(axis=1) / drawn,
    }


def headline_values(outcomes: Outcomes) -> dict[str, float]:
    """Return each headline metric of all samples."""
    once = np.ones((1, len(outcomes.labels)))
    return {name: float(values[0]) for name, values in headline_metrics(outcomes, once).items()}


def headline_intervals(outcomes: Outcomes, groups: Sequence[str], seed: int) -> dict[str, tuple[float, float] | None]:
    """Return the 95 % bootstrap interval of each headline metric; None where resampling shows nothing.

    So it is with a single group, and where every resample gives the same: what is all right or all wrong stays so,
    which says nothing of other samples. With few samples a class that is all right still makes these too narrow.
    """
    values = headline_values(outcomes)
    if len(set(groups)) < 2:
        return dict.fromkeys(values)
    parts = [headline_metrics(outcomes, weights) for weights in resampled_weights(groups, seed)]
    resampled = {name: np.concatenate([part[name] for part in parts]) for name in values}
    return {
        name: percentile_interval(value, resampled[name], most=MOST.get(name, 1.0))
        if np.nanmax(resampled[name]) - np.nanmin(resampled[name]) > ROUNDING
        else None
        for name, value in values.items()
    }
