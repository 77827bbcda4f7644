"""The threads that decode and predict, and how much may wait for them."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TypeVar

from components.serve.http.errors import overloaded
from components.step.cores import available_cores

Result = TypeVar("Result")

WORKER = "predict"
GRACE_SECONDS = 1.0
MOST_ARRIVING = 1024  # Bodies; each is little more than a connection as long as it holds few bytes.


class Pool:
    """Worker threads with a bound on what is in flight, in images and in bytes; more is refused at once.

    Bodies that are still arriving are bounded apart: a place among the images is for what can be worked on.
    All but the work itself runs on the event loop's thread, so that no lock is needed.
    """

    def __init__(self, workers: int, queue: int, buffered_bytes: int, body_bytes: int = 0) -> None:
        """Start `workers` threads for at most `queue` images and `buffered_bytes` of bodies in flight.

        Half of these bytes, or one body of `body_bytes`, is for the bodies that are arriving.
        """
        self.workers, self.queue, self.buffered_bytes = workers, queue, buffered_bytes
        self.arriving_most_bytes = max(buffered_bytes // 2, body_bytes)
        self.images = self.bytes = self.arriving = self.arriving_bytes = 0
        self.large = asyncio.Lock()  # Held by the one large picture that is decoded.
        self._threads = ThreadPoolExecutor(workers, WORKER)
        self._all_but_one = threading.Semaphore(max(1, available_cores() - 1))

    @property
    def alone(self) -> bool:
        """Whether no more than one image is in flight."""
        return self.images <= 1

    def computing(self, crowded: bool) -> AbstractContextManager[object]:
        """Return a context for a worker's longest part; where it is `crowded`, one processor is left to the event loop.

        A lower priority would do that too, and give way to every other process as well.
        """
        return self._all_but_one if crowded else nullcontext()

    @contextmanager
    def admitted(self) -> "Iterator[Ticket]":
        """Yield a request's ticket, for one image until it asks for more.

        Raises:
            RequestRefused: 503, too much is in flight.
        """
        with self.ticket() as ticket:
            ticket.take_images(1)
            yield ticket

    @contextmanager
    def ticket(self) -> "Iterator[Ticket]":
        """Yield a request's ticket, which holds nothing yet."""
        ticket = Ticket(self)
        try:
            yield ticket
        finally:
            ticket.give_back()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns in a worker thread; cancelled while it waits, it never starts."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def run_large(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns as `run` does, after all other large work; until then it takes no thread."""
        await self.large.acquire()
        loop = asyncio.get_running_loop()
        future = self._threads.submit(work)

        def done(_: "Future[Result]") -> None:
            with suppress(RuntimeError):  # The event loop has ended.
                loop.call_soon_threadsafe(self.large.release)

        future.add_done_callback(done)  # Who waits for it may be gone before; its memory is not.
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """End the threads as soon as each has done what it is at."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def end_without_hanging_workers() -> None:
    """End the process, with exit code 0, if a worker goes on long after its pool was stopped.

    Python waits for every such thread before it ends, for ever if what it is at never ends.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    for thread in threading.enumerate():
        if thread.name.startswith(WORKER):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                sys.stdout.flush()
                os._exit(0)


class Ticket:
    """What one request holds of a pool."""

    def __init__(self, pool: Pool) -> None:
        """Hold nothing yet."""
        self._pool, self._images, self._bytes = pool, 0, 0
        self._arriving = False

    @contextmanager
    def arriving(self) -> "Iterator[None]":
        """Hold what comes within as a body that is arriving.

        Raises:
            RequestRefused: 503, too many are.
        """
        pool = self._pool
        if pool.arriving >= MOST_ARRIVING:
            raise overloaded("bodies")
        pool.arriving, self._arriving = pool.arriving + 1, True
        try:
            yield
        finally:
            pool.arriving, self._arriving = pool.arriving - 1, False
            pool.arriving_bytes -= self._bytes

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
        pool = self._pool
        if pool.bytes + count > pool.buffered_bytes:
            raise overloaded("bytes")
        if self._arriving:
            if pool.arriving_bytes + count > pool.arriving_most_bytes:
                raise overloaded("bytes")
            pool.arriving_bytes += count
        pool.bytes += count
        self._bytes += count

    def give_back(self) -> None:
        """Hold nothing any more."""
        self._pool.images -= self._images
        self._pool.bytes -= self._bytes
        self._images = self._bytes = 0
