"""Boxes as exports write them, checked."""

import math
from collections.abc import Sequence

from components.extract.annotations import Box
from components.step.errors import DataError, one_line


def checked_box(values: Sequence[object], where: str, percent: bool = False) -> Box:
    """Return the box of `values`, left, top, width and height; `where` says whose it is.

    Raises:
        DataError: they are not four finite numbers, of which the last two are greater than 0.
    """
    numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e9]
    if len(numbers) == len(values) == 4 and all(map(math.isfinite, numbers)) and min(numbers[2:]) > 0:
        return Box(numbers[0], numbers[1], numbers[2], numbers[3], percent)
    raise DataError(
        "A box must be left, top, width and height, the last two greater than 0. "
        f"Received: {one_line(where, 120)}: {one_line(values, 80)}. Correct or remove it in the labelling tool."
    )


def number(text: str) -> float | None:
    """Return the number that `text` stands for, None for anything else."""
    try:
        return float(text)
    except ValueError:
        return None
