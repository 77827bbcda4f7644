"""What keeps a server up: bounded bodies, heads, queues and times, answers while it predicts, an end without loss."""

import asyncio
import base64
import json
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request

from components.serve.http.errors import RequestRefused
from components.serve.model.model import load_model
from components.serve.settings import Settings
from components.serve.work import pool
from components.serve.work.body import LEAST_BYTES, arrived
from components.serve.work.service import Service
from tests.support.generated_images import encoded
from tests.support.patience import PATIENCE
from tests.support.serving import (
    RunningServer,
    colour_bundle,
    eventually,
    held_workers,
    run_on,
    running_server,
    served_here,
)

RED = encoded(Image.new("RGB", (60, 40), "red"), "PNG")
HEAD = b"POST /predict HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n%b\r\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return colour_bundle(tmp_path / "bundle")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with the default limits."""
    folder = tmp_path_factory.mktemp("serve")
    with running_server(colour_bundle(folder / "bundle"), folder / "log") as running:
        yield running


@contextmanager
def connected(server: RunningServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        yield connection


def answer_on(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one answer."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        lines = iter(lambda: stream.readline().strip().decode(), "")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return status, headers, stream.read(int(headers.get("content-length", 0)))


def is_closed(connection: socket.socket) -> bool:
    """Wait for the other side to close."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def drip(connection: socket.socket, data: bytes, pause: float = 0.0) -> None:
    """Send `data` again and again, forever."""
    while True:
        connection.sendall(data)
        time.sleep(pause)


def metric(server: RunningServer, name: str) -> float:
    lines = server.get("/metrics")[1].decode().splitlines()
    return float(next((line.rpartition(" ")[2] for line in lines if line.startswith(name)), 0))


@contextmanager
def small_service(bundle: Path, **settings: object) -> Iterator[tuple[Service, RunningServer]]:
    """Serve `bundle` by one worker here, under `settings`."""
    service = Service(Settings(**{"workers": 1, "access_log": False, "timeout": 600.0, **settings}))  # type: ignore[arg-type]
    service.put_into_service(load_model(bundle, "classifier", "", 1))
    with served_here(service) as server:
        yield service, server


def test_a_full_queue_refuses_at_once_and_answers_again_when_there_is_room(bundle):
    with small_service(bundle, queue=1) as (service, server), ThreadPoolExecutor(1) as threads:
        with held_workers(service):
            waiting = threads.submit(server.post, "/predict", RED)
            eventually(lambda: metric(server, "pawline_queue_images") == 1)
            with connected(server) as refused:
                refused.sendall(HEAD % (len(RED), b"") + RED)
                status, headers, body = answer_on(refused)
            assert (status, headers["retry-after"], json.loads(body)["error"]["code"]) == (503, "1", "overloaded")
            assert server.get("/v2/health/live")[0] == server.get("/health")[0] == 200
        assert waiting.result()[0] == 200
        assert server.post("/predict", RED)[0] == 200
        assert metric(server, 'pawline_rejected_total{reason="overloaded"}') == 1


def test_bodies_that_do_not_come_take_no_place(bundle):
    with small_service(bundle, queue=1) as (service, server), ExitStack() as stack:
        for _ in range(250):
            stack.enter_context(connected(server)).sendall(HEAD % (len(RED), b"") + RED[:10])
        eventually(lambda: service.pool.arriving == 250)
        assert server.post("/predict", RED)[0] == server.get("/health")[0] == 200


@pytest.mark.parametrize("path", ["/predict", "/batch_predict", "/model_input", "/v2/models/classifier/infer"])
def test_bodies_that_arrive_are_bounded_in_number(bundle, monkeypatch, path):
    monkeypatch.setattr(pool, "MOST_ARRIVING", 2)
    head = HEAD.replace(b"/predict", path.encode()) % (len(RED), b"")
    with small_service(bundle) as (service, server), connected(server) as first, connected(server) as second:
        for connection in (first, second):
            connection.sendall(head)
        eventually(lambda: service.pool.arriving == 2)
        assert server.post(path, RED)[0] == 503
        first.close()
        eventually(lambda: service.pool.arriving == 1)
        assert server.post(path, RED)[0] != 503


def test_bodies_that_arrive_leave_room_for_those_that_are_there():
    counting = pool.Pool(1, 10, 1000, 300)
    with counting.ticket() as there, counting.ticket() as coming, counting.ticket() as another:
        with there.arriving():
            there.take_bytes(400)
        with coming.arriving(), another.arriving():
            coming.take_bytes(300)
            with pytest.raises(RequestRefused):
                another.take_bytes(300)
            assert counting.bytes == 700
        assert (counting.arriving, counting.arriving_bytes) == (0, 0)
    assert counting.bytes == counting.images == 0
    counting.stop()


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once while everything waits."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead, self._really = 0.0, self._selector.select
        self._selector.select = self._select

    def time(self) -> float:
        return super().time() + self._ahead

    def _select(self, timeout: float | None) -> list[object]:
        self._ahead += timeout or 0.0
        return self._really(0)


def seconds_of(pauses: Iterable[float], size: int, limit: float) -> tuple[float, int]:
    """Return how long a body of pieces of `size` bytes, each after a pause, is waited for, and how many came."""
    came = []

    async def read() -> float:
        async def receive() -> dict[str, object]:
            await asyncio.sleep(next(left))
            came.append(size)
            return {"type": "http.request", "body": bytes(size), "more_body": True}

        left, loop = iter(pauses), asyncio.get_running_loop()
        request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
        holding, began = pool.Pool(1, 1, 1 << 30), loop.time()
        with holding.ticket() as ticket, pytest.raises(RequestRefused, match=r"must arrive within"):
            await arrived(request, ticket, 1 << 30, limit)
        holding.stop()
        return loop.time() - began

    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        return runner.run(read()), len(came)


@pytest.mark.parametrize(
    ("pause", "size", "seconds"),
    [(1.0, 1, 25), (0.1, 1, 25), (26.0, 1 << 20, 25), (20.0, LEAST_BYTES, 100), (1.0, 1 << 20, 100), (24.0, 100, 25)],
)
def test_a_body_that_drips_is_ended_soon_and_any_in_the_end(pause, size, seconds):
    assert seconds_of(repeat(pause), size, 100.0)[0] == pytest.approx(seconds, abs=1)


def test_what_came_at_once_buys_no_time_to_drip():
    seconds, pieces = seconds_of(chain([0.0] * 100, repeat(1.0)), LEAST_BYTES - 1, 100.0)
    assert seconds == pytest.approx(100, abs=1)
    assert pieces > 150
    assert seconds_of(chain([0.0] * 100, repeat(30.0)), LEAST_BYTES, 100.0)[0] == pytest.approx(25, abs=1)


def test_bodies_together_are_bounded(bundle, tmp_path):
    limits = {"max_body_bytes": "100000", "max_buffered_bytes": "150000", "timeout": "600"}
    with running_server(bundle, tmp_path / "log", **limits) as server, connected(server) as first:
        first.sendall(HEAD % (100_000, b"") + bytes(90_000))
        eventually(lambda: metric(server, "pawline_buffered_bytes") == 90_000)
        assert server.post("/predict", bytes(90_000))[0] == 503
        first.close()
        eventually(lambda: metric(server, "pawline_buffered_bytes") == 0)
        assert server.post("/predict", bytes(90_000))[0] == 415


async def released(lock: asyncio.Lock) -> None:
    lock.release()


def test_large_pictures_that_wait_for_each_other_hold_no_worker(bundle):
    large = encoded(Image.new("RGB", (2100, 2100), "red"), "PNG")
    form = b'--e\r\nContent-Disposition: form-data; name="images[]"; filename="a"\r\n\r\n' + large + b"\r\n--e--\r\n"
    tensor = {"name": "encoded_image", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(large).decode()]}
    asked = [
        ("/predict", large, "image/png"),
        ("/model_input", large, "image/png"),
        ("/batch_predict", form, "multipart/form-data; boundary=e"),
        ("/v2/models/classifier/infer", json.dumps({"inputs": [tensor]}).encode(), "application/json"),
    ]
    with small_service(bundle) as (service, server), ThreadPoolExecutor(4) as threads:
        slot = service.pool.large
        run_on(server, slot.acquire())
        answers = [threads.submit(server.post, *request) for request in asked]
        eventually(lambda: len(slot._waiters or ()) == len(asked))
        assert [server.post("/predict", RED)[0] for _ in range(3)] == [200] * 3
        assert not any(answer.done() for answer in answers)
        run_on(server, released(slot))
        assert [answer.result()[0] for answer in answers] == [200] * 4


def test_thin_pictures_cost_little(bundle, tmp_path):
    """Scaled, each would take 512 MB in between."""
    thin = [encoded(Image.new("1", size), "PNG") for size in ((1, 4_000_000), (4_000_000, 1))]
    with running_server(bundle, tmp_path / "log") as server, ThreadPoolExecutor(8) as threads:
        server.post("/predict", RED)
        server.forget_peak()
        before = server.rss_mib()
        answers = [threads.submit(server.post, "/predict", data) for data in thin * 4]
        assert {answer.result()[0] for answer in answers} == {422}
        assert b"a side" in answers[0].result()[1]
        assert server.peak_mib() - before < 64


def test_slow_heads_and_slow_bodies_end(bundle, tmp_path):
    with running_server(bundle, tmp_path / "log", timeout="0.5") as server:
        with connected(server) as silent, connected(server) as head, connected(server) as body:
            head.sendall(b"POST /predict HTTP/1.1\r\nHost:")
            body.sendall(HEAD % (1000, b"") + b"x")
            status, headers, answer = answer_on(body)
            assert (status, headers["connection"], json.loads(answer)["error"]["code"]) == (408, "close", "timeout")
            assert is_closed(body)
            assert is_closed(head)
            assert is_closed(silent)
        eventually(lambda: server.post("/predict", RED)[0] == 200)


def test_a_refused_body_that_drips_on_does_not_keep_its_connection(bundle, tmp_path):
    with running_server(bundle, tmp_path / "log", timeout="0.5") as server, connected(server) as dripping:
        dripping.sendall(b"GET /health HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n")
        assert answer_on(dripping)[0] == 200
        with pytest.raises(OSError, match=r"."):
            drip(dripping, b"x", pause=0.05)


def test_a_head_without_end_is_refused(server):
    with connected(server) as endless, pytest.raises(OSError, match=r"."):
        drip(endless, b"GET /health HTTP/1.1\r\nX-Long: " + b"x" * 10_000)
    assert server.post("/predict", bytes(1_000_000))[0] == 415  # A long body is no long head.
    assert server.get("/health")[0] == 200


@pytest.mark.parametrize("length", [b"Content-Length: 1000001", b"Transfer-Encoding: chunked"])
def test_a_body_above_the_limit_is_refused_without_being_kept(bundle, tmp_path, length):
    with running_server(bundle, tmp_path / "log", max_body_bytes="1000000") as server, connected(server) as large:
        large.sendall(b"POST /predict HTTP/1.1\r\nHost: test\r\n" + length + b"\r\n\r\n")
        large.sendall(b"F4241\r\n" + bytes(1_000_001) + b"\r\n0\r\n\r\n" if b"chunked" in length else bytes(1_000_001))
        status, headers, _ = answer_on(large)
        assert (status, headers["connection"]) == (413, "close")
        assert server.post("/predict", RED)[0] == 200


def test_a_client_that_expects_to_be_asked_is_refused_before_it_sends(server):
    with connected(server) as polite:
        polite.sendall(HEAD % (10**12, b"Expect: 100-continue\r\n"))
        assert answer_on(polite)[0] == 413


def test_garbage_instead_of_http_is_refused(server):
    for garbage in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ):
        with connected(server) as connection:
            connection.sendall(garbage + b"\r\n\r\n")
            assert answer_on(connection)[0] == 400
    assert server.get("/health")[0] == 200
    assert "Traceback" not in server.log.read_text()


def test_it_answers_that_it_lives_while_it_predicts(server):
    noise = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), np.uint8)
    large = encoded(Image.fromarray(noise), "JPEG", quality=50)
    with ThreadPoolExecutor(8) as threads:
        busy = [threads.submit(server.post, "/predict", large) for _ in range(6)]
        eventually(lambda: metric(server, "pawline_queue_images") >= 3)
        alive = 0
        while not all(future.done() for future in busy):
            assert server.get("/v2/health/live")[0] == 200
            alive += 1
        assert [future.result()[0] for future in busy] == [200] * 6
        assert alive > 7  # A server that stops while it predicts answers between two predictions, at best.


def test_work_that_takes_too_long_is_refused_and_its_place_taken_by_others(bundle, tmp_path):
    large = encoded(Image.new("RGB", (4900, 4900), "red"), "PNG")
    with (
        running_server(bundle, tmp_path / "log", timeout="0.1", workers="1") as server,
        ThreadPoolExecutor(12) as threads,
    ):
        answers = [future.result() for future in [threads.submit(server.post, "/predict", large) for _ in range(12)]]
        late = [json.loads(body)["error"]["code"] for status, body in answers if status == 503]
        assert late
        assert set(late) == {"timeout"}
        eventually(lambda: server.post("/predict", RED)[0] == 200)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_what_it_began_when_it_is_told_to_stop_and_exits_with_0(bundle, tmp_path, number):
    serving = running_server(bundle, tmp_path / "log", timeout="600")
    with serving as server, connected(server) as begun, connected(server) as idle:
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n")
        assert answer_on(idle)[0] == 200
        begun.sendall(HEAD % (len(RED), b"") + RED[:10])
        eventually(lambda: metric(server, "pawline_arriving_bodies") == 1)
        server.process.send_signal(number)
        assert is_closed(idle)
        begun.sendall(RED[10:])
        status, _, body = answer_on(begun)
        assert (status, json.loads(body)["class"]) == (200, "red")
        assert is_closed(begun)
        assert server.process.wait(timeout=PATIENCE) == 0
    events = [json.loads(line)["event"] for line in server.log.read_text().splitlines()]
    assert events[-3:] == ["draining", "request", "stopped"]


def test_draining_ends_though_a_client_never_does(bundle, tmp_path):
    with running_server(bundle, tmp_path / "log", drain="1", timeout="600") as server, connected(server) as endless:
        endless.sendall(HEAD % (len(RED), b"") + RED[:10])
        eventually(lambda: metric(server, "pawline_arriving_bodies") == 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE) == 0
