"""Temperature scaling: probabilities that mean what they say, from a network that is too sure or not sure enough.

Source: C. Guo et al. (2017), "On calibration of modern neural networks", ICML; our prior is explained at PRIOR_SAMPLES.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.step.errors import DataError

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0

# A Gamma prior on 1/temperature with its mode at 1: it adds PRIOR_SAMPLES * (b - log b), b = 1/temperature, to the
# summed log loss. Without it a small validation set whose predictions are all right would ask for temperature 0.
# It is convex in b, as the log loss is, so there is one minimum; with a hundred samples it hardly counts.
PRIOR_SAMPLES = 3.0

# What log() is spared; also scikit-learn's limit in `log_loss` of float64.
SMALLEST = float(np.finfo(np.float64).eps)


def fit_temperature(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Return the temperature that makes `calibrated(probabilities, temperature)` fit `labels` best.

    The minimum of the log loss plus a weak prior at 1, by Newton's method within a bracket, so it is the same on every
    call. 1 without samples; between MIN_TEMPERATURE and MAX_TEMPERATURE whatever comes.

    Args:
        probabilities: float [N, classes], as the network gives them.
        labels: int [N], the indices of the true classes.

    Raises:
        DataError: a probability is not a finite number.
    """
    logs = _centred_logs(probabilities)
    of_truth = np.take_along_axis(logs, np.asarray(labels, dtype=np.intp).reshape(-1, 1), axis=1).sum()
    low, high, inverse = 1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE, 1.0
    for _ in range(100):
        slope, curvature = _derivatives(logs, float(of_truth), inverse)
        low, high = (inverse, high) if slope < 0 else (low, inverse)
        newton = inverse - slope / curvature
        # Outside the bracket Newton's step is worth nothing; the geometric mean halves the bracket in log terms.
        following = newton if low <= newton <= high else float(np.sqrt(low * high))
        if abs(following - inverse) <= 1e-12 * inverse:
            break
        inverse = following
    return float(1 / inverse)


def calibrated(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Return softmax(log(probabilities) / temperature), float64 [..., classes]; the order of the classes stays.

    Raises:
        DataError: a probability is not a finite number.
    """
    scaled = np.exp(_centred_logs(probabilities) / temperature)
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True), dtype=np.float64)


def _derivatives(logs: NDArray[np.float64], of_truth: float, inverse: float) -> tuple[float, float]:
    """Return the first and second derivative of the penalised log loss by the inverse temperature."""
    weights = np.exp(inverse * logs)
    weights /= weights.sum(axis=1, keepdims=True)
    mean = np.einsum("nc,nc->n", weights, logs)
    squared = np.einsum("nc,nc,nc->n", weights, logs, logs)
    slope = mean.sum() - of_truth + PRIOR_SAMPLES * (1 - 1 / inverse)
    return float(slope), float((squared - mean**2).sum() + PRIOR_SAMPLES / inverse**2)


def _centred_logs(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return log(probabilities) with 0 as each row's largest, float64 [..., classes]."""
    values = np.asarray(probabilities, dtype=np.float64)
    if not np.isfinite(values).all():
        raise DataError(
            "Probabilities must be finite numbers. Received: nan or infinity. Train with a smaller learning rate."
        )
    logs = np.log(np.maximum(values, SMALLEST))
    return np.asarray(logs - logs.max(axis=-1, keepdims=True), dtype=np.float64)
