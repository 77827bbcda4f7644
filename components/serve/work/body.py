"""A request's body, read as it comes: never more of it in memory than the limits allow, nor waited for without end."""

import asyncio
from collections.abc import AsyncIterator

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
            return await read_body(request, _watched(request.stream(), patience, end, pause), ticket, limit)
    except TimeoutError:
        message = f"A body must arrive within {seconds:g} seconds, {LEAST_BYTES} bytes of it in each {pause:g}."
        raise RequestRefused(408, "timeout", message, {"Connection": "close"}) from None


async def _watched(
    chunks: AsyncIterator[bytes], patience: asyncio.Timeout, end: float, pause: float
) -> AsyncIterator[bytes]:
    """Yield `chunks`, and put `patience` off, until `end` at most, each time that enough has come."""
    clock, come = asyncio.get_running_loop(), 0
    async for chunk in chunks:
        come += len(chunk)
        if come >= LEAST_BYTES:
            come = 0
            patience.reschedule(min(end, clock.time() + pause))
        yield chunk


async def read_body(request: Request, stream: AsyncIterator[bytes], ticket: Ticket, limit: int) -> bytes:
    """Return the request's body, which comes by `stream`, of at most `limit` bytes, held by `ticket`.

    Raises:
        RequestRefused: 413, it is larger; 400, its length makes no sense; 503, no room.
    """
    too_much = _announced(request) > limit
    if too_much and ("expect" in request.headers or _announced(request) > 2 * limit):
        raise _refused(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in stream:
        size += len(chunk)
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
