"""The figures that a comparison shows of each run, with their 95 % intervals, as the test step has written them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# By their key in the statistics: what people call them, whether they are shown as a percentage, whether less is better.
METRICS: Mapping[str, tuple[str, bool, bool]] = {
    "accuracy": ("accuracy", True, False),
    "balanced_accuracy": ("balanced accuracy", True, False),
    "macro_f1": ("macro F1", False, False),
    "weighted_f1": ("weighted F1", False, False),
    "log_loss": ("log loss", False, True),
    "brier": ("Brier score", False, True),
    "expected_calibration_error": ("calibration error", False, True),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and its 95 % interval, if the test has one."""

    value: float
    interval: tuple[float, float] | None = None


def measured(statistics: Mapping[str, Any]) -> dict[str, Measured]:
    """Return what `statistics`, the JSON of the test step, has of METRICS.

    Raises:
        ValueError: one of them is something else than a number, or not finite.
    """
    return {
        key: Measured(_number(statistics[key]), _interval(statistics, key))
        for key in METRICS
        if statistics.get(key) is not None
    }


def _interval(statistics: Mapping[str, Any], key: str) -> tuple[float, float] | None:
    found = statistics.get("intervals", {}).get(key)
    if found is not None:
        return _number(found["low"]), _number(found["high"])
    # Runs of before the intervals of the other figures were there.
    low, high = statistics.get(f"{key}_interval_95") or (None, None)
    return None if low is None else (_number(low), _number(high))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
        raise ValueError(f"{value!r} where a number must be")
    return float(value)
