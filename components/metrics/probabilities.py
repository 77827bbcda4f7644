"""How good the probabilities are, not only the class they choose: log loss, Brier score, calibration error, top-k.

`probabilities` are float [N, classes] everywhere, `labels` int [N], the indices of the true classes; N is at least 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.metrics.calibration import SMALLEST

BINS = 15  # As in Guo et al. (2017), so that the figures can be compared with the literature's.

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def sample_log_losses(probabilities: Floats, labels: Labels) -> Floats:
    """Return each sample's -log(probability of its class), natural logarithm, float64 [N]; their mean is the log loss.

    As scikit-learn's `log_loss` of float64, which takes a probability of 0 as the smallest step above 1.
    """
    return -np.log(np.clip(_of_truth(probabilities, labels), SMALLEST, 1.0))


def sample_brier_scores(probabilities: Floats, labels: Labels) -> Floats:
    """Return each sample's squared distance between probabilities and truth, float64 [N], from 0 to 2.

    Their mean is the Brier score as its author defined it, for two classes too: scikit-learn's `brier_score_loss` with
    `scale_by_half=False`. Source: G. W. Brier (1950), "Verification of forecasts", Monthly Weather Review 78.
    """
    # sum((p - truth)²) written out, so that no one-hot matrix is needed.
    values = np.asarray(probabilities, dtype=np.float64)
    of_truth = _of_truth(values, labels)
    return np.asarray(np.einsum("nc,nc->n", values, values) - of_truth**2 + (1 - of_truth) ** 2)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The samples with a confidence above `low` up to `high`: how many, how many right, their mean confidence."""

    low: float
    high: float
    count: int
    right: int
    confidence: float


def confidence_bins(confidences: Floats) -> Labels:
    """Return the bin of each confidence [N], of BINS equally wide ones; an edge belongs to the bin below it."""
    edges = np.linspace(0.0, 1.0, BINS + 1)
    return np.searchsorted(edges[1:-1], confidences).astype(np.int64)


def reliability(confidences: Floats, right: NDArray[np.bool_]) -> list[ReliabilityBin]:
    """Return the bins of the reliability diagram that hold samples, by rising confidence.

    Args:
        confidences: float [N], the probability of the predicted class.
        right: bool [N], whether the prediction is right.
    """
    bins = confidence_bins(confidences)
    counts, hits, sums = (np.bincount(bins, weights=w, minlength=BINS) for w in (None, right, confidences))
    return [
        ReliabilityBin(i / BINS, (i + 1) / BINS, int(counts[i]), int(hits[i]), float(sums[i] / counts[i]))
        for i in np.flatnonzero(counts)
    ]


def expected_calibration_error(confidences: Floats, right: NDArray[np.bool_]) -> float:
    """Return the mean distance between confidence and accuracy in the bins of `reliability`, weighted by their samples.

    Source: M. P. Naeini et al. (2015), "Obtaining well calibrated probabilities using Bayesian binning", AAAI.
    """
    gaps = [abs(found.right - found.confidence * found.count) for found in reliability(confidences, right)]
    return float(sum(gaps) / len(confidences))


def truth_ranks(probabilities: Floats, labels: Labels) -> Labels:
    """Return how many classes come before the true one, int [N]; of equals the first comes first, as in argmax.

    The share of ranks below k is the top-k accuracy.
    """
    of_truth = _of_truth(probabilities, labels)[:, None]
    before = np.arange(probabilities.shape[1]) < labels[:, None]
    return np.asarray(((probabilities > of_truth) | ((probabilities == of_truth) & before)).sum(axis=1))


def _of_truth(probabilities: Floats, labels: Labels) -> Floats:
    return np.asarray(probabilities[np.arange(len(labels)), labels], dtype=np.float64)
