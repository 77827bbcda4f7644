"""Connections that cannot hold the server up: neither by their number nor by heads that never end, nor all at once.

uvicorn itself sets no limit to either; bodies are bounded in components/serve/work/body.py.
"""

import asyncio
import resource
import sys
from asyncio import TimerHandle
from collections.abc import Callable, Coroutine
from typing import Any

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from components.serve.http.turns import Turns

MAX_HEAD_BYTES = 64 << 10
MAX_CONNECTIONS = 4096
MAX_WISHES = 8  # For another protocol, at once: who has one waits for the answer.
FILES_BESIDE_CONNECTIONS = 128
IDLE_SECONDS = 75.0  # Longer than load balancers keep a connection, lest they send into one that is ending.


def bounded_protocol(
    head_seconds: float,
    turns: Turns,
    # Any, as uvicorn and Starlette have each their own types of ASGI.
    refusal_of: Callable[[Any], Any] = lambda scope: None,
) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, bounded in connections, and in the size and the time of a request's head.

    `turns` are the event loop's. `refusal_of` gives, for a request's ASGI scope, the ASGI application that refuses it
    without waiting for anything, None if it is to be answered. Refusing takes no task of its own, and the rest of a
    crowd waits for the next turns of the event loop, so that a flood holds nothing else up.
    """
    most_connections = _most_connections()

    class Bounded(HttpToolsProtocol):
        _waiting: TimerHandle | None = None
        _heads = 0
        _head_bytes = 0
        _in_head = False
        _unheard = b""
        _parsed = _again = b""
        _answered: RequestResponseCycle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > most_connections:
                transport.abort()
            self._wait(head_seconds)

        def data_received(self, data: bytes) -> None:
            if not self._unheard:
                if not turns.is_over():
                    self._parse(data)
                    return
                turns.postpone(self._hear, light=data.startswith(b"GET "))  # Probes, and whatever costs little.
            self._unheard += data  # Who answers this connection's last request may read on in between.
            self.flow.pause_reading()

        def _hear(self) -> None:
            data, self._unheard = self._unheard, b""
            if data and not self.transport.is_closing():
                self.flow.resume_reading()
                self._parse(data)

        def _parse(self, data: bytes) -> None:
            for _ in range(MAX_WISHES):
                heads, self._parsed, self._again = self._heads, data, b""
                super().data_received(data)
                if self._in_head and self._heads == heads:
                    self._head_bytes += len(data)
                    if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                        self.send_400_response("The request's head is too large.")
                if not (data := self._again) or self.transport.is_closing():
                    return
            self.send_400_response("The request must wait for the answer to its Upgrade.")

        def _unsupported_upgrade_warning(self) -> None:
            """Go on in HTTP/1.1 with who would rather speak another protocol, as Java's client would with each request.

            The parser takes what follows such a head for the other protocol; it is given the head without the wish.
            """
            stopped, method = sys.exception(), self.parser.get_method()
            if method == b"CONNECT" or not isinstance(stopped, HttpParserUpgrade):
                return
            line = b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())
            headers = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
            rest = self._parsed[stopped.args[0] :]
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            self._again = b"\r\n".join([line, *headers, b"", rest])

        def _is_upgrading(self) -> bool:
            return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head, self._head_bytes = True, 0
            self._heads += 1
            self._wait(head_seconds)

        def on_headers_complete(self) -> None:
            self._in_head = False
            if self._is_upgrading():
                return
            self._wait(None)
            super().on_headers_complete()

        def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
            self._answered = cycle
            refusal = refusal_of(cycle.scope)
            # It must not wait for a client who does not read. With more requests behind it, each would be begun within
            # the one before it.
            if refusal and not self.pipeline and not self.transport.get_write_buffer_size():
                _run_at_once(cycle.run_asgi(refusal))
            else:
                super()._start_asgi_task(cycle, refusal or app)

        def on_message_complete(self) -> None:
            if self._is_upgrading():
                return
            super().on_message_complete()
            if self.cycle.response_complete:  # Refused before its body came, which is over now.
                self._wait(IDLE_SECONDS)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.cycle.response_complete:
                # What a client still sends of a body that was refused does not keep the connection.
                self._wait(IDLE_SECONDS if self.cycle.more_body is False else head_seconds)

        def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's says None, which ends the connection.
            """Keep the connection of a client who has said all, and still waits for answers, until the last of them."""
            self._hear()
            is_answering = bool(self.cycle) and not (self.cycle.response_complete or self.cycle.more_body)
            if not (is_answering or self.pipeline) or self.transport.is_closing():
                return False
            self.cycle.keep_alive = False
            return True

        def shutdown(self) -> None:
            self._hear()  # What has arrived before the end is still answered.
            super().shutdown()

        def send_400_response(self, msg: str) -> None:
            self._let_go()
            super().send_400_response(msg)

        def connection_lost(self, exc: Exception | None) -> None:
            self._let_go()
            self._wait(None)
            super().connection_lost(exc)

        def _let_go(self) -> None:
            """Tell who answers that nobody listens; uvicorn tells only the last request that has come."""
            if self._answered and not self._answered.response_complete:
                self._answered.disconnected = True
                self._answered.message_event.set()

        def _wait(self, seconds: float | None) -> None:
            if self._waiting:
                self._waiting.cancel()
            self._waiting = self.loop.call_later(seconds, self.transport.abort) if seconds else None

    return Bounded


def _run_at_once(work: Coroutine[object, None, None]) -> None:
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise RuntimeError("a refusal must not wait for anything")


def _most_connections() -> int:
    """Raise the limit of open files to what the system allows; return how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + FILES_BESIDE_CONNECTIONS
    reached = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < reached:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reached, hard))
    return max(1, reached - FILES_BESIDE_CONNECTIONS)
