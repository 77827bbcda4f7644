"""Numbers for JSON, which knows neither nan nor infinity: null in their place."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

DECIMALS = 6  # Of numbers that are drawn and not calculated with.


def json_number(value: float) -> float | None:
    """Return `value` as a Python float, None where it is not finite."""
    number = float(value)
    return number if math.isfinite(number) else None


def rounded_numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Return `values` [N] rounded to DECIMALS, None where they are not finite."""
    return [json_number(value) for value in np.round(values, DECIMALS)]


def mean_number(values: Iterable[float]) -> float | None:
    """Return the mean of the finite ones among `values`, None without any."""
    finite = [float(value) for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else None
