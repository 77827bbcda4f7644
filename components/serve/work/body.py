"""A request's body, read as it comes: never more of it in memory than the limits allow."""

from starlette.requests import Request

from components.serve.http.errors import RequestRefused, bad_request, shown
from components.serve.work.pool import Ticket


async def read_body(request: Request, ticket: Ticket, limit: int) -> bytes:
    """Return the request's body of at most `limit` bytes, held by `ticket`.

    Raises:
        RequestRefused: 413, it is larger; 415, it is compressed; 400, its length makes no sense; 503, no room.
    """
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise RequestRefused(415, "unsupported_encoding", f"A body must not be compressed. Received: {encoding}.")
    too_much = _announced(request) > limit
    if too_much and ("expect" in request.headers or _announced(request) > 2 * limit):
        raise _refused(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
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
