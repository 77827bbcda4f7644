"""The log: one JSON object a line on standard output, for requests and for what happens to the server."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

import orjson

FLUSH_SECONDS = 0.2


def log_event(event: str, **facts: object) -> None:
    """Write what happened to the server, at once; never a header's secret."""
    _write(event, facts)
    sys.stdout.flush()


def log_request(facts: Mapping[str, object]) -> None:
    """Write a request's line, never with its body or an image; others and `flush_regularly` see it off.

    To write each by itself would take as long as all else that is done for a request that is refused.
    """
    _write("request", facts)


async def flush_regularly() -> None:
    """Write out, forever, what `log_request` left behind."""
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        with suppress(OSError):  # A full disk may have room again.
            sys.stdout.flush()


def _write(event: str, facts: Mapping[str, object]) -> None:
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(orjson.dumps({"time": time, "event": event, **facts}).decode() + "\n")
