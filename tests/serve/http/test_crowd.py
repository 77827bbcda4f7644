"""A crowd does not keep a newcomer waiting: short turns, refusals before any work, a processor left to the loop."""

import asyncio
import hashlib
import os
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
import uvloop

from components.inference.model import load_model
from components.serve.app import make_app
from components.serve.http import turns
from components.serve.http.connection import _run_at_once, bounded_protocol
from components.serve.http.turns import Turns
from components.serve.settings import Settings
from components.serve.work.service import Service
from tests.serve.test_limits import HEAD, RED, answer_on, connected, metric, small_service
from tests.support.patience import PATIENCE
from tests.support.serving import (
    RunningServer,
    colour_bundle,
    eventually,
    held_workers,
    running_server,
    served_here,
)

CROWD = 200
NO = b"no" * 100


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return colour_bundle(tmp_path / "bundle")


def test_what_is_light_takes_turns_with_what_is_not_and_both_with_newcomers(monkeypatch):
    monkeypatch.setattr(turns, "SECONDS", -1.0)
    done = []

    async def crowd() -> None:
        shared = Turns()
        assert shared.is_over()
        for name in ("post 1", "post 2", "post 3", "get 1", "get 2"):
            shared.postpone(lambda name=name: done.append(name), light=name.startswith("get"))
            assert shared.crowded
        asyncio.get_running_loop().call_soon(lambda: done.append("newcomer"))
        while len(done) < 6:
            await asyncio.sleep(0)
        assert not shared.crowded

    asyncio.run(crowd())
    assert done == ["get 1", "post 1", "newcomer", "get 2", "post 2", "post 3"]


def test_a_turn_has_its_time_and_the_next_has_it_again(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(turns, "perf_counter", lambda: clock[0])

    async def two_turns() -> None:
        shared = Turns()
        assert not shared.is_over()
        clock[0] += 2 * turns.SECONDS
        assert shared.is_over()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not shared.is_over()

    asyncio.run(two_turns())


async def digest_app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the path and the SHA-256 of the body."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    answer = f"{scope['path']} {hashlib.sha256(body).hexdigest()}".encode()
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def refusing_app(scope: Any, receive: Any, send: Any) -> None:
    """Refuse without waiting."""
    await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"%d" % len(NO))]})
    await send({"type": "http.response.body", "body": NO})


async def with_server(client: Any, refusal_of: Any = lambda scope: None, head_seconds: float = 10) -> None:
    """Await `client`, given the port of a server of `digest_app` with our protocol, and how to end it."""
    listening = socket.create_server(("127.0.0.1", 0))
    protocol = bounded_protocol(head_seconds, Turns(), refusal_of)
    server = uvicorn.Server(uvicorn.Config(digest_app, http=protocol, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve([listening]))
    try:
        await asyncio.wait_for(
            client(listening.getsockname()[1], lambda: setattr(server, "should_exit", True)), PATIENCE
        )
    finally:
        server.should_exit = True
        await serving


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.lower().splitlines() if b"content-length" in line)
    return int(head.split()[1]), await reader.readexactly(length)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1.0], ids=["always postponed", "mostly", "never"])
@pytest.mark.parametrize("piece", [7, 1000, 1 << 20])
def test_requests_arrive_whole_and_in_order_however_they_are_cut(monkeypatch, seconds, piece):
    monkeypatch.setattr(turns, "SECONDS", seconds)
    bodies = [os.urandom(size) for size in (0, 3000, 1, 300_000 if piece > 7 else 5000, 20)]
    sent = b"".join(b"POST /%d HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (i, len(b), b) for i, b in enumerate(bodies))

    async def crowd(port: int, end: Any) -> None:
        await asyncio.gather(*(one_of_them(port) for _ in range(10)))

    async def one_of_them(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answers = asyncio.create_task(collect(reader))
        for begin in range(0, len(sent), piece):
            writer.write(sent[begin : begin + piece])
            await writer.drain()
            await asyncio.sleep(0)
        expected = [(200, f"/{i} {hashlib.sha256(body).hexdigest()}".encode()) for i, body in enumerate(bodies)]
        assert await answers == expected
        writer.close()

    async def collect(reader: asyncio.StreamReader) -> list[tuple[int, bytes]]:
        return [await read_answer(reader) for _ in bodies]

    uvloop.run(with_server(crowd))


def test_thousands_of_pipelined_requests_are_refused_each_though_nobody_reads_yet():
    """Each within the one before it would be too deep for Python; and answers wait once the buffers are full."""
    many = 30_000

    async def client(port: int, end: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nxx" * many)
        await asyncio.sleep(0.5)
        for _ in range(many):
            assert await read_answer(reader) == (503, NO)
        writer.close()

    uvloop.run(with_server(client, lambda scope: refusing_app))


def test_a_refused_connection_is_kept_as_long_as_any_other():
    async def client(port: int, end: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nxx")
            assert await read_answer(reader) == (503, NO)
            await asyncio.sleep(1.3)
        writer.close()

    uvloop.run(with_server(client, lambda scope: refusing_app, head_seconds=1))


def test_what_has_arrived_before_the_end_is_answered(monkeypatch):
    monkeypatch.setattr(turns, "SECONDS", -1.0)
    arrived = asyncio.Event()
    monkeypatch.setattr(Turns, "_go_on", lambda self: arrived.set())  # Its turn never comes.

    async def client(port: int, end: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /waiting HTTP/1.1\r\n\r\n")
        await arrived.wait()
        end()
        assert (await read_answer(reader))[0] == 200
        writer.close()

    uvloop.run(with_server(client))


def test_a_refused_body_is_passed_over_and_the_next_request_answered(monkeypatch):
    monkeypatch.setattr(turns, "SECONDS", -1.0)

    async def client(port: int, end: Any) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /full HTTP/1.1\r\nContent-Length: 300000\r\n\r\n")
        assert await read_answer(reader) == (503, NO)
        writer.write(bytes(300_000) + b"GET /next HTTP/1.1\r\n\r\n")
        assert await read_answer(reader) == (200, f"/next {hashlib.sha256(b'').hexdigest()}".encode())
        writer.close()

    uvloop.run(with_server(client, lambda scope: refusing_app if scope["path"] == "/full" else None))


def test_a_connection_that_is_gone_before_its_turn_is_let_go(monkeypatch):
    monkeypatch.setattr(turns, "SECONDS", -1.0)

    async def client(port: int, end: Any) -> None:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n" * 50)
            writer.transport.abort()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /last HTTP/1.1\r\n\r\n")
        assert (await read_answer(reader))[0] == 200
        writer.close()

    uvloop.run(with_server(client))


def test_a_refusal_that_waits_is_a_defect_that_shows():
    with pytest.raises(RuntimeError, match="must not wait"):
        _run_at_once(asyncio.sleep(0))


def test_a_crowd_is_answered_or_refused_each_and_counted(bundle, tmp_path):
    log = tmp_path / "log"
    with running_server(bundle, log, queue="4") as server:
        statuses = [status for status, *_ in crowd_of(server)]
        assert set(statuses) <= {200, 503}
        assert statuses.count(200) >= 1
        assert statuses.count(503) >= 1
        refused = 'pawline_requests_total{route="/predict",status="503"}'
        assert metric(server, refused) == statuses.count(503)
        assert metric(server, "pawline_queue_images") == 0
        assert server.post("/predict", RED)[0] == 200
        eventually(lambda: log.read_text().count('"refused":"overloaded"') == statuses.count(503))


def crowd_of(server: RunningServer) -> list[tuple[int, dict[str, str], bytes]]:
    """Return the answers to CROWD clients who connect first and then ask all at once."""
    connections = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) for _ in range(CROWD)]
    os.kill(server.process.pid, signal.SIGSTOP)
    for connection in connections:
        connection.sendall(HEAD % (len(RED), b"") + RED)
    os.kill(server.process.pid, signal.SIGCONT)
    answers = [answer_on(connection) for connection in connections]
    for connection in connections:
        connection.close()
    return answers


def test_a_full_queue_refuses_under_the_clients_id_with_all_headers(bundle):
    with small_service(bundle, queue=1) as (service, server), held_workers(service), connected(server) as waiting:
        waiting.sendall(HEAD % (len(RED), b"") + RED)
        eventually(lambda: metric(server, "pawline_queue_images") == 1)
        with connected(server) as refused:
            for path in (b"/predict", b"/batch_predict", b"/v2/models/colours/infer"):
                head = HEAD.replace(b"/predict", path) % (len(RED), b"X-Request-Id: my-own\r\n")
                refused.sendall(head + RED)
                status, headers, _ = answer_on(refused)
                assert (status, headers["x-request-id"], headers["retry-after"]) == (503, "my-own", "1")
                assert headers["x-content-type-options"] == "nosniff"
            refused.sendall(HEAD.replace(b"/predict", b"/nowhere") % (0, b""))
            assert answer_on(refused)[0] == 404


async def never(*_: Any) -> None:
    """Wait for what does not come."""
    await asyncio.Event().wait()


@pytest.mark.parametrize("started", [False, True])
def test_only_what_has_a_place_or_is_about_to_take_one_counts(bundle, started):
    """Tokens are checked in between, which may wait for their issuer's keys."""
    service = Service(Settings(queue=1, access_log=False))

    async def crowd() -> None:
        gate = make_app(service)
        gate._app = never
        scopes = [{"type": "http", "method": "POST", "path": "/predict", "headers": []} for _ in range(2)]
        assert gate.refusal_of(scopes[0]) is None
        task = asyncio.create_task(gate(scopes[0], never, never))
        if started:
            await asyncio.sleep(0)
        assert (gate.refusal_of(scopes[1]) is None) is started
        task.cancel()

    asyncio.run(crowd())


@pytest.mark.parametrize("crowded", [False, True])
def test_while_a_crowd_waits_one_processor_is_the_event_loops(bundle, monkeypatch, crowded):
    monkeypatch.setattr("components.serve.work.pool.available_cores", lambda: 3)
    monkeypatch.setattr(Turns, "crowded", crowded)
    service = Service(Settings(workers=6, access_log=False))
    engine = Counting()
    service.put_into_service(replace(load_model(bundle, "colours", "", 1), engine=engine))
    with served_here(service) as server, ThreadPoolExecutor(6) as clients:
        answers = [clients.submit(server.post, "/predict", RED) for _ in range(6)]
        eventually(lambda: len(engine.inside) == (2 if crowded else 6))
        engine.go_on.set()
        assert [answer.result()[0] for answer in answers] == [200] * 6
    assert engine.most == (2 if crowded else 6)


class Counting:
    """An engine that waits to be told to go on, and knows how many wait with it."""

    name, version = "counting", "1"

    def __init__(self) -> None:
        self.inside: set[int] = set()
        self.most = 0
        self.go_on = threading.Event()

    def run(self, image: np.ndarray, alone: bool) -> np.ndarray:
        self.inside.add(threading.get_ident())
        self.most = max(self.most, len(self.inside))
        self.go_on.wait(PATIENCE)
        self.inside.discard(threading.get_ident())
        return np.array([0, 0, 1], np.float32)


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority of its own on Linux only")
def test_no_thread_of_the_server_gives_way_to_other_processes(bundle, tmp_path):
    with running_server(bundle, tmp_path / "log") as server:
        assert server.post("/predict", RED)[0] == 200
        threads = [int(task.name) for task in Path(f"/proc/{server.process.pid}/task").iterdir()]
        assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {os.getpriority(os.PRIO_PROCESS, 0)}
        assert {os.sched_getscheduler(thread) for thread in threads} == {os.sched_getscheduler(0)}
