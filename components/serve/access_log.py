"""The log: one JSON object a line on standard output, for requests and for what happens to the server."""

import sys
from datetime import UTC, datetime

import orjson


def log_event(event: str, **facts: object) -> None:
    """Write `event` with its `facts`, never with a body, a header's secret or an image."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stdout.write(orjson.dumps({"time": time, "event": event, **facts}).decode() + "\n")
    sys.stdout.flush()
