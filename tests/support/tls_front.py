"""A server behind TLS whose certificate a private authority has signed, before any server on this machine."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.patience import PATIENCE
from tests.support.tls import authority


@dataclass(frozen=True)
class TlsFront:
    """`url` is where it listens, `authority` the file with the certificate that vouches for it."""

    url: str
    authority: Path


@contextmanager
def tls_front(port: int, folder: Path) -> Iterator[TlsFront]:
    """Yield what listens with TLS before 127.0.0.1:`port`; keys and certificates are in `folder`."""
    (folder / "authority.pem").write_text(authority().pem)
    context = authority().context(folder)
    loop, ready = asyncio.new_event_loop(), threading.Event()
    found: list[int] = []

    async def serve() -> None:
        server = await asyncio.start_server(lambda *ends: _join(port, *ends), "127.0.0.1", 0, ssl=context)
        found.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)

    serving = loop.create_task(serve())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    yield TlsFront(f"https://127.0.0.1:{found[0]}", folder / "authority.pem")
    loop.call_soon_threadsafe(serving.cancel)
    thread.join(PATIENCE)


async def _join(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy what comes from one end to the other until either closes."""
    from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
    copies = [asyncio.create_task(_copy(*ends)) for ends in ((reader, to_server), (from_server, writer))]
    await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    for end in (to_server, writer):
        end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
