"""A small HTTP proxy between an S3 client and a server: it delays each request, or spoils the answer to some.

`python -m tests.support.fault_proxy UPSTREAM_PORT DELAY_SECONDS` prints its port and serves until its input closes.
"""

import asyncio
import contextlib
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.patience import PATIENCE

S3_ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code} by the test</Message></Error>'
)
DRIP_SECONDS = 0.2  # Less than the reads' own timeout in tests, or it would be that which ends them.
REFUSALS = {
    "403 archived": "InvalidObjectState",
    "403": "InvalidAccessKeyId",
    "500": "InternalError",
    "503": "SlowDown",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `number` counts all of them from 1, `attempt` those with the same method, path and range."""

    method: str
    path: str
    headers: dict[str, str]
    number: int
    attempt: int


Plan = Callable[[Request], str | None]


@dataclass
class FaultProxy:
    """Forwards to 127.0.0.1:`upstream`; `plan` names the fault for a request, None for none.

    Faults: a status of REFUSALS, `hang` (no answer), `reset` (closed before it), `truncate` (half a body), `garbage`
    (no XML, no HTTP body expected), `flip N` (bit N, counted round, of what PUT sends or the answer has), `drip head`
    and `drip body` (a byte every DRIP_SECONDS from there on).
    """

    upstream: int
    delay: float = 0.0
    plan: Plan = lambda _: None
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    _attempts: Counter = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, ready: Callable[[], None]) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        ready()
        async with server:
            await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = await asyncio.open_connection("127.0.0.1", self.upstream, limit=1 << 20)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer, *upstream):
                pass
        for each in (writer, upstream[1]):
            each.close()

    async def _exchange(self, reader, writer, from_server, to_server) -> bool:
        head, headers = await _read_head(reader)
        if "expect" in headers:  # The client waits for leave to send its body.
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = self._noted(head, headers)
        await asyncio.sleep(self.delay)
        fault = self.plan(request)
        if fault in REFUSALS:
            writer.write(_refusal(fault, request.method))
            return True
        if fault in ("hang", "reset"):
            await asyncio.sleep(3600 if fault == "hang" else 0)
            return False
        if fault and fault.startswith("flip") and request.method == "PUT":
            body, fault = flipped(body, int(fault.split()[1])), None
        to_server.write(_without_expect(head) + body)
        return await _answer(request, fault, from_server, writer)

    def _noted(self, head: bytes, headers: dict[str, str]) -> Request:
        method, path, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ", 2)
        self._attempts[same := (method, path, headers.get("range"))] += 1
        self.requests.append(Request(method, path, headers, len(self.requests) + 1, self._attempts[same]))
        return self.requests[-1]


async def _answer(request: Request, fault: str | None, reader, writer) -> bool:
    head, headers = await _read_head(reader)
    if request.method == "HEAD" or head.split(b" ", 2)[1] in (b"204 ", b"304", b"204"):
        writer.write(head)
        return True
    if headers.get("transfer-encoding") == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    if fault == "garbage":
        body = b"\x00" * len(body)
    if fault and fault.startswith("flip"):
        body = flipped(body, int(fault.split()[1]))
    if fault and fault.startswith("drip"):
        whole = head + body
        return await _drip(writer, whole, 0 if fault == "drip head" else len(head))
    writer.write(head)
    writer.write(body[: len(body) // 2] if fault == "truncate" else body)
    await writer.drain()
    return fault != "truncate"


def flipped(body: bytes, bit: int) -> bytes:
    """Return `body` with one bit changed."""
    if not body:
        return body
    spoiled = bytearray(body)
    spoiled[bit // 8 % len(body)] ^= 1 << bit % 8
    return bytes(spoiled)


async def _drip(writer, data: bytes, start: int) -> bool:
    writer.write(data[:start])
    for byte in data[start:]:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(DRIP_SECONDS)
    return True


async def _read_head(reader: asyncio.StreamReader) -> tuple[bytes, dict[str, str]]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return head, {name.strip().lower(): value.strip() for name, _, value in lines if name}


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while not chunks or chunks[-1] != b"0\r\n\r\n":
        size = await reader.readline()
        chunks.append(size + await reader.readexactly(int(size, 16) + 2))
    return b"".join(chunks)


def _without_expect(head: bytes) -> bytes:
    return b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:"))


def _refusal(status: str, method: str) -> bytes:
    body = b"" if method == "HEAD" else S3_ERROR.format(code=REFUSALS[status]).encode()
    head = f"HTTP/1.1 {status[:3]} Refused\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextlib.contextmanager
def fault_proxy(upstream: int, delay: float = 0.0):
    """Yield a FaultProxy that runs in a thread of this process."""
    proxy, loop, ready = FaultProxy(upstream, delay), asyncio.new_event_loop(), threading.Event()
    thread = threading.Thread(target=_run, args=(loop, proxy.serve(ready.set)), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(_cancel_all, loop)
        thread.join(10)


def _run(loop: asyncio.AbstractEventLoop, serve) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(serve)
    while tasks := asyncio.all_tasks(loop):
        _cancel_all(loop)
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def main(upstream: str, delay: str) -> None:
    proxy = FaultProxy(int(upstream), float(delay))
    loop = asyncio.new_event_loop()
    threading.Thread(
        target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(_cancel_all, loop)), daemon=True
    ).start()
    _run(loop, proxy.serve(lambda: print(proxy.port, flush=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
