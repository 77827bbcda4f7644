"""Accuracy on parts of the test samples: where is the model worse than elsewhere?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from components.metrics.evaluation import wilson_interval

MIN_GROUP = 5  # Fewer samples than this say nothing about a group.
MAX_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the samples; `worse` says that its accuracy is below the whole's by more than chance explains."""

    name: str
    total: int
    ok: int
    accuracy: float | None
    interval: tuple[float, float]
    worse: bool


def slices_by_name(names: Sequence[str], right: NDArray[np.bool_], order: Iterable[str]) -> list[Slice]:
    """Return a slice for each name in `order`, of the samples with that name; `names` and `right` are [N]."""
    wanted = list(order)
    index = {name: position for position, name in enumerate(wanted)}
    keys = np.array([index.get(name, len(wanted)) for name in names], dtype=np.int64)
    return _slices(wanted, keys, right)


def slices_by_group(groups: Sequence[str], right: NDArray[np.bool_]) -> list[Slice]:
    """Return the groups of at least MIN_GROUP samples, the least accurate first, at most MAX_GROUPS."""
    names, counts = np.unique(np.asarray(groups), return_counts=True)
    found = slices_by_name(groups, right, names[counts >= MIN_GROUP].tolist())
    return sorted(found, key=lambda part: (part.interval[1], part.name))[:MAX_GROUPS]


def slices_by_quarter(values: NDArray[np.float64], right: NDArray[np.bool_], unit: str) -> list[Slice]:
    """Return the samples in up to four parts of similar size by rising value, named "LOW to HIGH `unit`".

    Samples of equal value stay together, so there may be fewer parts; `values` is float [N].
    """
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75]))
    keys = np.searchsorted(edges, values)
    present, keys = np.unique(keys, return_inverse=True)
    parts = [values[keys == key] for key in range(len(present))]
    return _slices([_range_name(part, unit) for part in parts], keys, right)


def _range_name(part: NDArray[np.float64], unit: str) -> str:
    low, high = f"{part.min():.0f}", f"{part.max():.0f}"
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def _slices(names: Sequence[str], keys: NDArray[np.int64], right: NDArray[np.bool_]) -> list[Slice]:
    totals = np.bincount(keys, minlength=len(names))
    hits = np.bincount(keys, weights=right, minlength=len(names))
    # Bonferroni: with 40 slices at 95 % each, two would look worse by chance alone.
    z = NormalDist().inv_cdf(1 - 0.025 / max(len(names), 1))
    overall = float(right.mean())
    return [_slice(name, int(totals[i]), int(hits[i]), overall, z) for i, name in enumerate(names)]


def _slice(name: str, total: int, ok: int, overall: float, z: float) -> Slice:
    worse = total > 0 and wilson_interval(ok, total, z)[1] < overall
    return Slice(name, total, ok, ok / total if total else None, wilson_interval(ok, total), worse)
