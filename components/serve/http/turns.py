"""How long one turn of the event loop may listen to what has arrived, so that a crowd cannot keep a newcomer waiting.

Without this a turn answers whatever has come in since the last: a probe that connects meanwhile waits for hundreds of
refusals. With it the rest of the crowd waits for the next turns, and newcomers are heard in between.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

SECONDS = 0.001

Work = Callable[[], None]


class Turns:
    """The turns of this thread's event loop."""

    def __init__(self) -> None:
        """Have nothing that waits."""
        self._light: deque[Work] = deque()
        self._heavy: deque[Work] = deque()
        self._until = 0.0
        self._next: asyncio.Handle | None = None

    @property
    def crowded(self) -> bool:
        """Whether more has arrived than there was time for; any thread may ask."""
        return bool(self._light or self._heavy)

    def is_over(self) -> bool:
        """Tell whether this turn has had its time."""
        if not self._next:
            self._begin()
        return perf_counter() > self._until

    def postpone(self, work: Work, light: bool) -> None:
        """Do `work` in one of the next turns; what is `light` takes turns with what is not, however much that is."""
        (self._light if light else self._heavy).append(work)

    def _begin(self) -> None:
        self._until = perf_counter() + SECONDS
        self._next = asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Begin a turn with what waits, for its time; what arrives in this turn has as much again."""
        self._next = None
        until = perf_counter() + SECONDS
        while self.crowded:
            for waiting in (self._light, self._heavy):
                if waiting:
                    waiting.popleft()()
            if perf_counter() > until:
                break
        if self.crowded:
            self._begin()
