"""Tests of two classifiers on the same samples: which of them was right where the other was wrong.

Needs numpy alone.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PAIRED_RESAMPLES = 10_000


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p value of McNemar's exact test (McNemar 1947, in its binomial form).

    Twice the smaller tail of Binomial(only_first + only_second, 1/2), at most 1. Half of it is the one-sided p value of
    the side that leads.

    Args:
        only_first: how many samples only the first classifier got right.
        only_second: how many only the second got right.

    Raises:
        ValueError: a count is negative.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"Counts must not be negative. Received: {only_first}, {only_second}.")
    total, smaller = only_first + only_second, min(only_first, only_second)
    k = np.arange(1, smaller + 1)
    # Logarithms of the binomial coefficients, each from the one before: no overflow however many samples there are.
    log_coefficients = np.concatenate([[0.0], np.cumsum(np.log(total - k + 1) - np.log(k))])
    return min(1.0, 2.0 * float(np.exp(log_coefficients - total * np.log(2.0)).sum()))


def paired_bootstrap(
    first_right: NDArray[np.bool_],
    second_right: NDArray[np.bool_],
    groups: Sequence[str],
    seed: int,
    resamples: int = PAIRED_RESAMPLES,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """Return the second's accuracy less the first's, and the percentile bootstrap interval of that difference.

    Whole groups are drawn with replacement (the cluster bootstrap of Davison and Hinkley 1997, section 3.8), as samples
    of one group are right or wrong together. The order of the samples does not matter.

    Args:
        first_right: bool `[N]`, whether the first classifier was right.
        second_right: bool `[N]`, likewise.
        groups: the N samples' groups.
        seed: of the resampling; the same seed gives the same interval.
        resamples: how many resamples.
        level: share of the resamples within the interval.

    Raises:
        ValueError: there are no samples, or the three differ in length.
    """
    if not len(first_right) == len(second_right) == len(groups) or not len(groups):
        raise ValueError(f"Received: lengths {len(first_right)}, {len(second_right)} and {len(groups)}.")
    gains, sizes = gains_by_group(first_right, second_right, groups)
    kinds, counts = np.unique(np.stack([gains, sizes]), axis=1, return_counts=True)
    # Groups of one kind (gain and size) are interchangeable: it is enough to draw how many there are of each kind.
    drawn = np.random.default_rng(seed).multinomial(len(sizes), counts / len(sizes), size=resamples)
    differences = (drawn @ kinds[0]) / (drawn @ kinds[1])
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    return float(gains.sum() / sizes.sum()), float(low), float(high)


def gains_by_group(
    first_right: NDArray[np.bool_], second_right: NDArray[np.bool_], groups: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each group by how many samples the second classifier leads, int64 `[G]`, and its size, int64 `[G]`."""
    names, index = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    gains = np.zeros(len(names), np.int64)
    np.add.at(gains, index, np.asarray(second_right, np.int64) - np.asarray(first_right, np.int64))
    return gains, np.bincount(index, minlength=len(names)).astype(np.int64)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return `p_values` adjusted for their number (Holm 1979), in the order given.

    Each adjusted value can be compared with the level itself; the chance of even one false finding stays below it.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted
