"""Where the time of a step goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds by activity; a nested activity's time is taken from the one around it, so that all add up."""

    def __init__(self) -> None:
        """Start with nothing measured."""
        self.seconds: dict[str, float] = {}
        self.beside: dict[str, float] = {}
        self._started = time.monotonic()
        self._nested = [0.0]

    @contextmanager
    def measured(self, activity: str) -> Iterator[None]:
        """Count the time until the end of the block as `activity`; one thread only."""
        started = time.monotonic()
        self._nested.append(0.0)
        try:
            yield
        finally:
            whole = time.monotonic() - started
            self.add(activity, whole - self._nested.pop())
            self._nested[-1] += whole

    def add(self, activity: str, seconds: float) -> None:
        """Count `seconds` as `activity`."""
        self.seconds[activity] = self.seconds.get(activity, 0.0) + seconds

    def add_beside(self, activity: str, seconds: float) -> None:
        """Count `seconds` as `activity` that another thread did meanwhile; one thread at a time for each activity."""
        self.beside[activity] = self.beside.get(activity, 0.0) + seconds

    def total(self) -> float:
        """Return the seconds since this began."""
        return time.monotonic() - self._started

    def rounded(self) -> dict[str, float]:
        """Return the seconds by activity, rounded to tenths, with what is left as `other`; they add up to the total."""
        other = max(self.total() - sum(self.seconds.values()), 0.0)
        return _rounded({**self.seconds, "other": other})

    def rounded_beside(self) -> dict[str, float]:
        """Return the seconds by activity of what other threads did meanwhile, rounded to tenths."""
        return _rounded(self.beside)


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in seconds.items()}
