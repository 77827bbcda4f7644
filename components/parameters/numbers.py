"""Parameters that are numbers and concern one step alone."""

import math

from components.step.errors import UsageError, one_line

MOST_IMAGES = 65_536  # Of a batch: 10 GB at 224 pixels a side; what no memory holds would end a step after hours.


def check_batch_size(batch_size: int) -> None:
    """Check that `batch_size` is positive, and not more than MOST_IMAGES.

    Raises:
        UsageError: it is not.
    """
    if not 1 <= batch_size <= MOST_IMAGES:
        bound = "at least 1" if batch_size < 1 else f"at most {MOST_IMAGES}"
        received = one_line(batch_size, 40)
        raise UsageError(f"batch_size must be {bound}. Received: batch_size={received}. Correct it.")


def check_checkpoint_minutes(minutes: float) -> None:
    """Check that `minutes` is a time.

    Raises:
        UsageError: it is negative or none.
    """
    if not 0 <= minutes < math.inf:
        raise UsageError(
            f"--checkpoint-minutes must be at least 0. Received: --checkpoint-minutes {minutes}. Correct it."
        )


def check_flag(name: str, value: object) -> None:
    """Check that `value`, of the parameter `name`, is true or false.

    Raises:
        UsageError: it is neither.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{name} must be true or false. Received: {name}={str(value)[:40]!r}. Correct it.")
