"""The bootstrap: how far a number would move with other samples of the same kind.

Whole groups are drawn with replacement, since samples of one group are not independent.
Source: B. Efron and R. J. Tibshirani (1993), "An introduction to the bootstrap", chapter 13 (percentile intervals).
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95
_AT_ONCE = 2_000_000  # Weights in memory at a time: 16 MB.

Floats = NDArray[np.float64]


def resampled_weights(groups: Sequence[str], seed: int, resamples: int = RESAMPLES) -> Iterator[Floats]:
    """Yield how often each sample is drawn, float64 [some, N], until `resamples` rows are given.

    Each resample draws as many groups as there are. The weights depend on the seed and the sorted names of the groups,
    not on the samples' order.
    """
    names, member_of = np.unique(np.asarray(groups), return_inverse=True)
    random = np.random.default_rng(seed)
    rows = max(_AT_ONCE // max(len(member_of), 1), 1)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = random.integers(len(names), size=(count, len(names)))
        flat = drawn + np.arange(count)[:, None] * len(names)
        times = np.bincount(flat.ravel(), minlength=count * len(names)).reshape(count, len(names))
        yield times[:, member_of].astype(np.float64)


def percentile_interval(
    estimate: float, resampled: Floats, level: float = LEVEL, most: float = np.inf
) -> tuple[float, float]:
    """Return the interval that holds the middle `level` of `resampled` [resamples], around `estimate`.

    Resampling makes some numbers larger or smaller as such, the calibration error above all: drawn twice, a sample's
    chance error counts twice. By as much as the resamples' mean is off `estimate`, the interval is moved back, within 0
    and `most`; it would else begin or end with the estimate. nan is left out.
    """
    moved = np.nanmean(resampled) - estimate
    low, high = np.nanquantile(resampled, [(1 - level) / 2, (1 + level) / 2]) - moved
    return min(max(float(low), 0.0), estimate), max(min(float(high), most), estimate)


def summed_by(weights: Floats, keys: NDArray[np.int64], count: int) -> Floats:
    """Return `weights` [resamples, N] summed over the samples of each key, float64 [resamples, count].

    Args:
        weights: a row for each resample.
        keys: int [N], from 0 to `count` - 1.
        count: how many keys there are.
    """
    order = np.argsort(keys, kind="stable")
    present, starts = np.unique(keys[order], return_index=True)
    sums = np.zeros((len(weights), count))
    sums[:, present] = np.add.reduceat(weights[:, order], starts, axis=1)
    return sums
