"""How samples are split: ratios and methods."""

import math
from collections.abc import Mapping
from typing import Any

from components.step.errors import UsageError, one_line

METHODS = ("stratified", "stable")
RATIO_TOLERANCE = 1e-6  # 0.7 + 0.2 + 0.1 is not 1 in floating point.


def check_ratios(ratios: Mapping[Any, float]) -> None:
    """Check that each ratio, by split, is between 0 and 1 and that they sum to 1, within RATIO_TOLERANCE.

    Raises:
        UsageError: they are not.
    """
    if all(0 < ratio < 1 for ratio in ratios.values()) and abs(math.fsum(ratios.values()) - 1) <= RATIO_TOLERANCE:
        return
    received = ", ".join(f"{split}_ratio={ratio}" for split, ratio in ratios.items())
    raise UsageError(f"The ratios must each be between 0 and 1 and sum to 1. Received: {received}. Correct them.")


def check_method(method: str) -> None:
    """Check that `method` is one of METHODS.

    Raises:
        UsageError: it is not.
    """
    if method not in METHODS:
        received = f"split_method={one_line(repr(method), 40)}"
        raise UsageError(f"split_method must be {' or '.join(METHODS)}. Received: {received}. Choose one of these.")
