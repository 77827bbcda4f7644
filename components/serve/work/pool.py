"""The threads that decode and predict, and how much may wait for them."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from components.serve.http.errors import overloaded

Result = TypeVar("Result")


class Pool:
    """Worker threads with a bound on what is in flight, in images and in bytes; more is refused at once.

    All but the work itself runs on the event loop's thread, so that no lock is needed.
    """

    def __init__(self, workers: int, queue: int, buffered_bytes: int) -> None:
        """Start `workers` threads for at most `queue` images and `buffered_bytes` of bodies in flight."""
        self.workers, self.queue, self.buffered_bytes = workers, queue, buffered_bytes
        self.images = self.bytes = 0
        self._threads = ThreadPoolExecutor(workers, "predict")

    @property
    def alone(self) -> bool:
        """Whether no more than one image is in flight."""
        return self.images <= 1

    @contextmanager
    def admitted(self) -> "Iterator[Ticket]":
        """Yield a request's ticket, for one image until it asks for more.

        Raises:
            RequestRefused: 503, too much is in flight.
        """
        ticket = Ticket(self)
        ticket.take_images(1)
        try:
            yield ticket
        finally:
            ticket.give_back()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns in a worker thread; cancelled while it waits, it never starts."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def stop(self) -> None:
        """End the threads as soon as each has done what it is at."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Ticket:
    """What one request holds of a pool."""

    def __init__(self, pool: Pool) -> None:
        """Hold nothing yet."""
        self._pool, self._images, self._bytes = pool, 0, 0

    def take_images(self, count: int) -> None:
        """Hold `count` images more.

        Raises:
            RequestRefused: 503, the queue is full.
        """
        # A batch larger than the whole queue may still pass when nothing else is there.
        if self._pool.images + count > self._pool.queue and self._pool.images > self._images:
            raise overloaded("images")
        self._pool.images += count
        self._images += count

    def take_bytes(self, count: int) -> None:
        """Hold `count` bytes more.

        Raises:
            RequestRefused: 503, the bodies in memory are as large as they may be.
        """
        if self._pool.bytes + count > self._pool.buffered_bytes:
            raise overloaded("bytes")
        self._pool.bytes += count
        self._bytes += count

    def give_back(self) -> None:
        """Hold nothing any more."""
        self._pool.images -= self._images
        self._pool.bytes -= self._bytes
        self._images = self._bytes = 0
