"""The whole of an answer, from servers that may send without end, or a byte now and then."""

import time
from typing import Any

from urllib3.exceptions import ProtocolError

MOST_BYTES = 64 << 20  # A list of a thousand pods has a twentieth of it.
MOST_SECONDS = 120.0
_PIECE = 1 << 16


def whole_answer(response: Any) -> bytes:
    """Return the body of `response`, urllib3's, of which nothing has been read.

    Raises:
        HTTPError: the connection broke, or the body has no end within MOST_BYTES and MOST_SECONDS.
    """
    end, pieces, size = time.monotonic() + MOST_SECONDS, list[bytes](), 0
    while piece := response.read1(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise ProtocolError(f"an answer of more than {MOST_BYTES >> 20} MiB")
        if time.monotonic() > end:
            raise ProtocolError(f"an answer that is not there after {MOST_SECONDS:g} s")
    return b"".join(pieces)
