"""What keeps a server up: bounded bodies, heads, queues and times, answers while it predicts, an end without loss."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.inference.model import load_model
from components.serve.settings import Settings
from components.serve.work.service import Service
from tests.support.generated_images import encoded
from tests.support.patience import PATIENCE
from tests.support.serving import (
    ROOT,
    RunningServer,
    colour_bundle,
    eventually,
    held_workers,
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


def test_bodies_together_are_bounded(bundle, tmp_path):
    limits = {"max_body_bytes": "100000", "max_buffered_bytes": "150000", "timeout": "600"}
    with running_server(bundle, tmp_path / "log", **limits) as server, connected(server) as first:
        first.sendall(HEAD % (100_000, b"") + bytes(90_000))
        eventually(lambda: metric(server, "pawline_buffered_bytes") == 90_000)
        assert server.post("/predict", bytes(90_000))[0] == 503
        first.close()
        eventually(lambda: metric(server, "pawline_buffered_bytes") == 0)
        assert server.post("/predict", bytes(90_000))[0] == 415


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
    assert [event["event"] for event in server.events()][-3:] == ["draining", "request", "stopped"]


HANGING = """
import time
from components.serve.work.pool import Pool
started = Pool.run
Pool.run = lambda self, work: started(self, lambda: time.sleep(100_000))
"""


def test_the_process_ends_though_a_worker_never_does(bundle, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(HANGING)
    hanging = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    with running_server(bundle, tmp_path / "log", environment=hanging, timeout="1") as server:
        assert server.post("/predict", RED, "image/png")[0] == 503
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE) == 0
    assert server.events()[-1]["event"] == "stopped"


def test_draining_ends_though_a_client_never_does(bundle, tmp_path):
    with running_server(bundle, tmp_path / "log", drain="1", timeout="600") as server, connected(server) as endless:
        endless.sendall(HEAD % (len(RED), b"") + RED[:10])
        eventually(lambda: metric(server, "pawline_arriving_bodies") == 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=PATIENCE) == 0
