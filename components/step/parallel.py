"""Work in threads with bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import repeat
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def each_in_parallel(
    work: Callable[[Item], Result], items: Iterable[Item], concurrency: int, window: int | None = None
) -> Iterator[tuple[Item, Result]]:
    """Run `work` on `items` in threads; yield each item with its result as it finishes.

    At most `window` results (twice the concurrency by default) are held at a time, so memory stays flat however many
    items there are. The first error stops everything and is raised.
    """
    window = window or 2 * concurrency
    pending: dict[Future[Result], Item] = {}
    # A queue names the next that finished; concurrent.futures.wait would look at all pending ones each time.
    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    with ThreadPoolExecutor(concurrency) as pool:
        try:
            for item in items:
                future = pool.submit(work, item)
                pending[future] = item
                future.add_done_callback(finished.put)
                if len(pending) >= window:
                    yield _next(finished, pending)
            while pending:
                yield _next(finished, pending)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _next(finished: SimpleQueue[Future[Result]], pending: dict[Future[Result], Item]) -> tuple[Item, Result]:
    future = finished.get()
    return pending.pop(future), future.result()


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    ahead: int,
    weigh: Callable[[Item], int] = lambda _: 1,
) -> Iterator[Result]:
    """Yield `work` of each item in order; results of up to `ahead` items are computed before they are asked for.

    An item counts for what `weigh` gives, e.g. its bytes; one alone may weigh more. The first error is raised where its
    result would be.
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[tuple[Future[Result], int]] = deque()
        held = 0
        try:
            for item in items:
                waiting.append((pool.submit(work, item), weigh(item)))
                held += waiting[-1][1]
                while held > ahead and waiting:
                    held -= waiting[0][1]
                    yield waiting.popleft()[0].result()
            while waiting:
                yield waiting.popleft()[0].result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def taken_ahead(items: Iterator[Item], ahead: int) -> Iterator[Item]:
    """Yield `items`, none of them None, taken up to `ahead` before they are asked for, by one thread of their own."""
    for item in in_order(lambda _: next(items, None), repeat(None), 1, ahead):
        if item is None:
            return
        yield item
