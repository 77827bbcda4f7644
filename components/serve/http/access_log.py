"""The log on standard output, for requests and for what happens to the server: a line of JSON each.

On a terminal it is for a person: a line of words each, and where to open the page.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson

from components.step.errors import one_line

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
    now = datetime.now(UTC)
    if sys.stdout.isatty():
        sys.stdout.write(f"{now.astimezone():%H:%M:%S} {one_line(_words(event, facts), 1000)}\n")
        return
    time = now.isoformat(timespec="milliseconds")
    sys.stdout.write(orjson.dumps({"time": time, "event": event, **facts}).decode() + "\n")


def _words(event: str, facts: Mapping[str, Any]) -> str:
    if event == "listening":
        host = f"[{facts['host']}]" if ":" in str(facts["host"]) else facts["host"]
        return f"listening at http://{host}:{facts['port']}, Ctrl-C ends"
    if event == "request":
        refused = f" {facts['refused']}" if facts.get("refused") else ""
        return f"{facts['method']} {facts['path']} {facts['status']}{refused} after {1000 * facts['seconds']:.0f} ms"
    said = ", ".join(f"{name} {str(value)[:12] if name == 'digest' else value}" for name, value in facts.items())
    return f"{event}: {said}" if said else event
