"""A deadline for a whole exchange: timeouts of a socket begin anew with every byte, so a dripping answer never ends."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import NoReturn, TypeVar

Result = TypeVar("Result")

SECONDS = 60.0
LEAST_RATE = 16_384  # Bytes a second: what a bad mobile line gives.


class Overdue(Exception):
    """An exchange that was not over by its deadline; the message says after how many seconds."""


class Deadline:
    """The end of an exchange of `size` bytes: SECONDS, and as many as the bytes take at the least rate, from now."""

    def __init__(self, size: int = 0) -> None:
        self._started = time.monotonic()
        self.allow(size)

    def allow(self, size: int) -> None:
        """Set how many bytes the exchange has, where that is known only after its beginning."""
        self.seconds = SECONDS + size / LEAST_RATE

    def left(self) -> float:
        """Return the seconds that are left, 0 if none."""
        return max(0.0, self._started + self.seconds - time.monotonic())


def within(deadline: Deadline, work: Callable[[], Result]) -> Result:
    """Return what `work` returns, in a thread of its own that is left to itself after the deadline.

    Raises:
        Overdue: `work` was not done in time.
        Exception: what `work` raises.
    """
    outcome: SimpleQueue[Callable[[], Result]] = SimpleQueue()
    # A daemon: a thread that waits for a byte a second must not keep the process from its end.
    threading.Thread(target=lambda: outcome.put(_outcome(work)), daemon=True).start()
    while True:
        with suppress(Empty):
            settled = outcome.get(timeout=deadline.left())
            break
        if not deadline.left():
            raise Overdue(f"no whole answer within {deadline.seconds:.0f} s")
    return settled()


def _outcome(work: Callable[[], Result]) -> Callable[[], Result]:
    """Return what returns what `work` did, or raises what it raised."""
    try:
        done = work()
        return lambda: done
    except BaseException as error:  # Whatever it is belongs to whoever waits.
        return partial(_raise, error)


def _raise(error: BaseException) -> NoReturn:
    raise error
