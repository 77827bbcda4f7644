"""Connections that cannot hold the server up: neither by their number nor by heads that never end.

uvicorn itself sets no limit to either; bodies are bounded in components/serve/body.py.
"""

import asyncio
import resource
from asyncio import TimerHandle

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 << 10
MAX_CONNECTIONS = 4096
FILES_BESIDE_CONNECTIONS = 128
IDLE_SECONDS = 75.0  # Longer than load balancers keep a connection, lest they send into one that is ending.


def bounded_protocol(head_seconds: float) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, bounded in connections, and in the size and the time of a request's head."""
    most_connections = _most_connections()

    class Bounded(HttpToolsProtocol):
        _waiting: TimerHandle | None = None
        _head_bytes = 0
        _in_head = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > most_connections:
                transport.abort()
            self._wait(head_seconds)

        def data_received(self, data: bytes) -> None:
            was_in_head = self._in_head
            super().data_received(data)
            if was_in_head and self._in_head:
                self._head_bytes += len(data)
                if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                    self.send_400_response("The request's head is too large.")

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head, self._head_bytes = True, 0
            self._wait(head_seconds)

        def on_headers_complete(self) -> None:
            self._in_head = False
            self._wait(None)
            super().on_headers_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.cycle.response_complete:
                # What a client still sends of a body that was refused does not keep the connection.
                self._wait(IDLE_SECONDS if self.cycle.more_body is False else head_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait(None)
            super().connection_lost(exc)

        def _wait(self, seconds: float | None) -> None:
            if self._waiting:
                self._waiting.cancel()
            self._waiting = self.loop.call_later(seconds, self.transport.abort) if seconds else None

    return Bounded


def _most_connections() -> int:
    """Raise the limit of open files to what the system allows; return how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + FILES_BESIDE_CONNECTIONS
    reached = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < reached:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reached, hard))
    return max(1, reached - FILES_BESIDE_CONNECTIONS)
