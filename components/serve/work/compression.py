"""Compressed bodies, as `tritonclient` and others send them: inflated piece by piece, never beyond the limits."""

import zlib
from collections.abc import Awaitable, Callable, Iterator

from starlette.requests import Request

from components.serve.http.errors import RequestRefused, bad_request, shown
from components.serve.work.pool import Ticket

# Source: RFC 9110, 8.4.1. zlib's own numbers: 31 is gzip, 15 zlib's format, -15 none.
GZIP, ZLIB, RAW = 31, 15, -15
CODINGS = {"gzip": GZIP, "x-gzip": GZIP, "deflate": ZLIB}
PIECE = 1 << 20  # At most so much is made in one go that has not been accounted for.
_SLICE = 1 << 18

Run = Callable[[Callable[[], bytes | None]], Awaitable[bytes | None]]


def coding_of(request: Request) -> str:
    """Return how the body of `request` is compressed, "" if it is not.

    Raises:
        RequestRefused: 415, in a way that is not known here, or in several.
    """
    coding = ", ".join(request.headers.getlist("content-encoding")).strip().lower()
    if coding in ("", "identity"):
        return ""
    if coding not in CODINGS:
        message = f"A body must be compressed by gzip or deflate, or not at all. Received: {shown(coding)}."
        raise RequestRefused(415, "unsupported_encoding", message, {"Accept-Encoding": "gzip, deflate"})
    return coding


async def inflated(body: bytes, coding: str, ticket: Ticket, run: Run, limit: int) -> bytes:
    """Return what `body` is compressed from, at most `limit` bytes, held by `ticket`; the work is done by `run`.

    Raises:
        RequestRefused: 400, it is not whole or not compressed so; 413, it is larger; 503, no room, or as `run`.
    """
    pieces = _pieces(body, coding)
    whole: list[bytes] = []
    size = 0
    while piece := await run(lambda: next(pieces, None)):
        size += len(piece)
        if size > limit:
            raise RequestRefused(413, "too_large", f"A body must have at most {limit} bytes once it is inflated.")
        ticket.take_bytes(len(piece))
        whole.append(piece)
    return b"".join(whole)


def _pieces(body: bytes, coding: str) -> Iterator[bytes]:
    inflating, rest, position = zlib.decompressobj(_format(body, coding)), b"", 0
    try:
        while not inflating.eof and (rest or position < len(body)):
            if not rest:
                rest, position = body[position : position + _SLICE], position + _SLICE
            if piece := inflating.decompress(rest, PIECE):
                yield piece
            rest = inflating.unconsumed_tail
    except zlib.error as error:
        raise bad_request(f"The body must be compressed by {coding}, as Content-Encoding says: {error}.") from error
    if not inflating.eof or inflating.unused_data or position < len(body):
        raise bad_request(f"The body must be one whole stream of {coding}, and nothing else.")


def _format(body: bytes, coding: str) -> int:
    # Source: RFC 1950, 2.2. Many clients take "deflate" to mean the stream without zlib's two bytes before it.
    is_zlib = len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    return RAW if coding == "deflate" and not is_zlib else CODINGS[coding]
