"""The HTTP server: uvicorn, bounded against slow and too many connections, drained when told to end."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from components.inference.source import Source
from components.serve.app import make_app
from components.serve.auth.authorization import Authorization
from components.serve.http.access_log import flush_regularly, log_event
from components.serve.http.connection import IDLE_SECONDS, bounded_protocol
from components.serve.memory import return_large_blocks
from components.serve.settings import Settings
from components.serve.watch import load, watch
from components.serve.work.service import Service
from components.step.errors import ServiceError, one_line

ACCEPTED_A_TURN = 16


async def serve(service: Service, source: Source, authorization: Authorization | None) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish what has begun.

    Raises:
        PawlineError: the bundle cannot be had or is damaged, the keys of tokens cannot, or the port is taken.
    """
    settings = service.settings
    return_large_blocks()
    listening = _listening(settings)
    server = Server(service, authorization)
    if authorization:
        await authorization.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.drain)
    host, port = listening.getsockname()[:2]
    # It hears at once, for probes; people are told once there is a bundle to ask for.
    background = asyncio.create_task(
        _load_and_watch(service, source, lambda: log_event("listening", host=host, port=port))
    )
    # A bundle that cannot be served ends the server; a server that ends needs no bundle any more.
    background.add_done_callback(lambda task: server.end() if not task.cancelled() and task.exception() else None)
    flushing = asyncio.create_task(flush_regularly())
    # The event loop accepts one connection a turn and socket.
    await server.serve([listening, *(listening.dup() for _ in range(ACCEPTED_A_TURN - 1))])
    flushing.cancel()
    background.cancel()
    service.pool.stop()
    if authorization:
        await authorization.stop()
    with suppress(asyncio.CancelledError):
        await background
    log_event("stopped")


async def _load_and_watch(service: Service, source: Source, found: Callable[[], None]) -> None:
    revision = await load(service, source, found)
    if service.settings.watch:
        await watch(service, source, revision)


def _listening(settings: Settings) -> socket.socket:
    both = settings.host == "::" and socket.has_dualstack_ipv6()  # Python's default is to hear IPv6 alone.
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        address = (settings.host, settings.port)
        return socket.create_server(address, family=family, backlog=2048, dualstack_ipv6=both)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise ServiceError(
            f"The address to listen on must be free and this machine's. Received: {one_line(where)}: {error.strerror}. "
            "Choose another host or port."
        ) from error


class Server(uvicorn.Server):
    """uvicorn's server, told to drain by us, so that it ends with exit code 0."""

    def __init__(self, service: Service, authorization: Authorization | None) -> None:
        """Serve `service`."""
        self._service = service
        app = make_app(service, authorization)
        super().__init__(
            uvicorn.Config(
                app,
                http=bounded_protocol(service.settings.timeout, service.turns, app.refusal_of),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=int(IDLE_SECONDS),
                timeout_graceful_shutdown=max(1, round(service.settings.drain)),
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `serve`; uvicorn would let them end the process after draining."""
        yield

    def drain(self) -> None:
        """Take no more connections, finish what has begun, end."""
        if not self._service.draining:
            log_event("draining")
        self.end()

    def end(self) -> None:
        """Do the same without a word, as where something else says why."""
        self._service.draining = True
        self.should_exit = True
