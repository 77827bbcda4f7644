"""Which way to do the same is the quickest now: that depends on what else the machine is at, so each is tried again."""

from collections import deque
from statistics import median

TRIED_EVERY = 16  # The slower ways cost a few per cent of what they would cost all the time.
FEWEST, MOST = 3, 5  # Times of a way, whose median no single one decides: the first is slow.


class Quickest:
    """The ways `0` to `count - 1`, and how long each took lately; for one thread at a time, others only blur it."""

    def __init__(self, count: int) -> None:
        """Have tried none."""
        self._seconds: list[deque[float]] = [deque(maxlen=MOST) for _ in range(count)]
        self._turn = 0

    def choose(self) -> int:
        """Return the way to go now."""
        self._turn += 1
        if self._turn % TRIED_EVERY == 0:
            return self._turn // TRIED_EVERY % len(self._seconds)
        return min(range(len(self._seconds)), key=self._usual)

    def took(self, way: int, seconds: float) -> None:
        """Learn that `way` took `seconds`."""
        self._seconds[way].append(seconds)

    def _usual(self, way: int) -> float:
        known = tuple(self._seconds[way])
        return median(known) if len(known) >= FEWEST else 0.0
