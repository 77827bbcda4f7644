"""Work beside the event loop that may take long and is let go of when the process ends."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


async def aside(work: Callable[[], Result]) -> Result:
    """Return what `work` returns in a thread of its own.

    Unlike asyncio's own threads, which a process waits for, this one does not hold up the end of a server whose store
    or registry hangs.
    """
    done: Future[Result] = Future()
    threading.Thread(target=_run, args=(work, done), name="aside", daemon=True).start()
    return await asyncio.wrap_future(done)


def _run(work: Callable[[], Result], done: "Future[Result]") -> None:
    done.set_running_or_notify_cancel()
    try:
        done.set_result(work())
    except BaseException as error:  # Whatever it is, it is for who awaits.
        done.set_exception(error if _is_plain(error) else RuntimeError(repr(error)))


def _is_plain(error: BaseException) -> bool:
    """Tell whether an event loop hands `error` on as it is, and neither ends by it nor takes it for a cancellation."""
    return isinstance(error, Exception) and not isinstance(error, StopIteration | concurrent.futures.CancelledError)
