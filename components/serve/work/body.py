"""A request's body, read as it comes: never more of it in memory than the limits allow, nor waited for without end."""

import asyncio

from starlette.requests import Request

from components.serve.http.errors import RequestRefused, bad_request, shown
from components.serve.work.pool import Ticket

# A quarter of the time for a body may pass without this much of it, or its end: 3 kB/s, where it is 10 seconds.
LEAST_BYTES = 8 << 10


async def arrived(request: Request, ticket: Ticket, limit: int, seconds: float) -> bytes:
    """Return the request's body as `read_body` does, within `seconds` and without a pause of a quarter of them.

    Raises:
        RequestRefused: as `read_body`; 408, the body comes too slowly.
    """
    now = asyncio.get_running_loop().time()
    end, pause = now + seconds, seconds / 4
    try:
        async with asyncio.timeout_at(now + pause) as patience:
            return await read_body(request, ticket, limit, _Pace(patience, end, pause))
    except TimeoutError:
        message = f"A body must arrive within {seconds:g} seconds, {LEAST_BYTES} bytes of it in each {pause:g}."
        raise RequestRefused(408, "timeout", message, {"Connection": "close"}) from None


class _Pace:
    """Puts `patience` off by `pause` seconds, until `end` at most, each time that enough has come."""

    def __init__(self, patience: asyncio.Timeout, end: float, pause: float) -> None:
        self._patience, self._end, self._pause, self._come = patience, end, pause, 0

    def came(self, count: int) -> None:
        self._come += count
        if self._come >= LEAST_BYTES:
            self._come = 0
            self._patience.reschedule(min(self._end, asyncio.get_running_loop().time() + self._pause))


async def read_body(request: Request, ticket: Ticket, limit: int, pace: _Pace) -> bytes:
    """Return the request's body of at most `limit` bytes, held by `ticket`; `pace` hears of each piece.

    Raises:
        RequestRefused: 413, it is larger; 400, its length makes no sense; 503, no room.
    """
    too_much = _announced(request) > limit
    if too_much and ("expect" in request.headers or _announced(request) > 2 * limit):
        raise _refused(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        pace.came(len(chunk))
        if size > 2 * limit:
            break
        if size > limit or too_much:
            # What is not much too large may run out, as few clients read an answer before they have sent everything.
            too_much = True
            chunks.clear()
            continue
        ticket.take_bytes(len(chunk))
        chunks.append(chunk)
    if too_much:
        raise _refused(limit)
    return b"".join(chunks)


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit() and len(length) < 19):
        raise bad_request(f"Content-Length must be a number of bytes. Received: {shown(length)}.")
    return int(length)


def _refused(limit: int) -> RequestRefused:
    message = f"A body must have at most {limit} bytes. Send a smaller image, or fewer."
    return RequestRefused(413, "too_large", message, {"Connection": "close"})
