"""Hostile images, requests and clients: each gets the right answer, costs little, and the next request is served."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from PIL import Image

from tests.support.generated_images import encoded
from tests.support.hostile_images import GOOD, Sent, good_files, hostile_images
from tests.support.hostile_requests import FORM, Request, form, hostile_requests, part
from tests.support.patience import PATIENCE
from tests.support.serving import RunningServer, colour_bundle, eventually, running_server

MAX_GROWTH_MIB = 64
MAX_PROCESSOR_SECONDS = 1.0
TIMEOUT = 2.0  # Of the server that is asked what it gives up.
LARGE = 2200  # Pixels a side, above what is decoded beside others.


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("hasty")
    with running_server(colour_bundle(folder / "bundle"), folder / "log", timeout=str(TIMEOUT)) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("hostile")
    with running_server(colour_bundle(folder / "bundle"), folder / "log", timeout=str(PATIENCE)) as running:
        for _ in range(20):  # Threads and caches that every server has after its first requests.
            served(running)
        yield running


@pytest.fixture(scope="module")
def images() -> list[Sent]:
    return hostile_images()


def served(server: RunningServer) -> None:
    status, body = server.post("/predict", good_files()["jpeg"])
    assert (status, json.loads(body)["class"]) == (200, "red")


def sent(server: RunningServer, request: Request) -> tuple[int, dict]:
    """Send `request`; return the answer, which is JSON and came without much work."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    before = server.processor_seconds()
    headers = {"Content-Type": request.content_type.encode("latin-1"), **dict(request.headers)}
    try:
        connection.request("POST", request.path, request.body, headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    assert server.processor_seconds() - before < MAX_PROCESSOR_SECONDS
    assert answer.getheader("X-Request-Id")
    return answer.status, json.loads(text)


def test_there_are_at_least_two_hundred(images):
    assert len(images) >= 200
    assert len({image.name for image in images}) == len(images)


def test_each_image_is_answered_as_it_deserves_and_the_next_one_served(server, images):
    wrong = []
    server.forget_peak()
    before = server.rss_mib()
    for image in images:
        status, answer = sent(server, Request(image.name, "/predict", "application/octet-stream", image.body, ()))
        if status not in ((200, 422) if image.status is None else (image.status,)):
            wrong.append((image.name, image.status, status, answer))
        if status != GOOD:
            assert set(answer["error"]) == {"code", "message"}
        served(server)
    assert wrong == []
    assert server.rss_mib() - before < MAX_GROWTH_MIB
    assert server.peak_mib() - before < 2 * MAX_GROWTH_MIB


def large_picture(format: str) -> bytes:
    """Return a picture of LARGE x LARGE pixels as those of its format are that take most memory."""
    ramp = np.tile(np.linspace(0, 255, LARGE, dtype=np.uint8), (LARGE, 1))
    picture = Image.fromarray(np.stack([ramp, ramp.T, ramp], -1))
    if format == "JPEG":
        return encoded(picture.convert("CMYK"), format, progressive=True)
    picture.putalpha(128)
    return encoded(picture, format, **({"lossless": True, "method": 0, "quality": 0} if format == "WEBP" else {}))


@pytest.mark.parametrize(("format", "bytes_a_pixel"), [("WEBP", 22), ("JPEG", 12), ("PNG", 12)])
def test_a_large_picture_takes_no_more_memory_than_the_readme_says(server, format, bytes_a_pixel):
    data = large_picture(format)
    served(server)
    server.forget_peak()
    before = server.rss_mib()
    assert server.post("/predict", data)[0] == 200
    assert server.peak_mib() - before < (bytes_a_pixel * LARGE**2 + len(data)) / 2**20 + 8


def test_in_a_batch_each_is_answered_as_it_is_alone(server, images):
    small = [image for image in images if len(image.body) < 100_000 and image.status is not None]
    found = []
    for start in range(0, len(small), 32):
        body = form(*(part(image.body, "images[]") for image in small[start : start + 32]))
        status, answer = sent(server, Request("batch", "/batch_predict", FORM, body, ()))
        assert status == 200
        found += [entry["status"] for entry in answer["predictions"]]
    assert {i.name: s for i, s in zip(small, found, strict=True)} == {image.name: image.status for image in small}


@pytest.mark.parametrize("request_", hostile_requests(), ids=lambda request: request.name)
def test_a_malformed_request_is_refused_and_the_next_one_served(server, request_):
    status, answer = sent(server, request_)
    assert status in request_.statuses, answer
    assert ("error" in answer) == (status != 200)
    served(server)


HEAD = "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\n"


def raw(server: RunningServer, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send `pieces` with pauses between, then return all that is answered until the server is done."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            return _read_all(connection)
        except (BrokenPipeError, ConnectionResetError):  # Refused before all was sent.
            return b""


def _read_all(connection: socket.socket) -> bytes:
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Length: -1\r\n", b""),
        ("Content-Length: many\r\n", b""),
        ("Content-Length: 99999999999999999999999\r\n", b""),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", b"abcdef"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", b"ffffffffffffffffff\r\nabc"),
        ("Transfer-Encoding: gzip\r\n", b"abc"),
        ("X-A: " + "a" * 100_000 + "\r\n", b""),
        ("X-A: a\r\n" * 20_000, b""),
        ("X-A\0: a\r\n", b""),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_request_that_breaks_http_is_refused(hasty, headers, body):
    answer = raw(hasty, f"{HEAD}{headers}Connection: close\r\n\r\n".encode() + body)
    assert answer == b"" or answer.split()[1] in (b"400", b"411", b"413", b"431", b"501")
    served(hasty)


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"\0" * 1000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(hasty, line):
    assert b" 200 " not in raw(hasty, line)
    served(hasty)


@pytest.mark.parametrize(
    ("headers", "start"),
    [("Content-Length: 5000\r\n", b"\xff"), ("Transfer-Encoding: chunked\r\n", b"1\r\n\xff\r\n")],
)
def test_a_body_that_never_ends_is_given_up(hasty, headers, start):
    answer = raw(hasty, f"{HEAD}{headers}\r\n".encode(), start)
    assert answer.split()[1] == b"408"
    served(hasty)


def test_a_head_that_never_ends_is_given_up(hasty):
    assert b" 200 " not in raw(hasty, b"POST /predict HTTP/1.1\r\nHost:")
    served(hasty)


def test_slow_bodies_do_not_hold_up_the_others(server):
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(50)]
        for connection in slow:
            connection.sendall(f"{HEAD}Content-Length: 5000\r\n\r\n".encode())
        for index in range(10):
            for connection in slow:
                connection.sendall(b"\xff")
            assert server.get("/v2/health/live")[0] == 200
            served(server) if index % 5 == 0 else None
    served(server)


def test_clients_that_go_away_leave_nothing_behind(server):
    jpeg = good_files()["jpeg"]
    before = server.rss_mib()
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"{HEAD}Content-Length: {len(jpeg)}\r\n\r\n".encode() + jpeg[:-1])
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"{HEAD}Content-Length: {len(jpeg)}\r\n\r\n".encode() + jpeg)
    # Whole requests of clients that may have closed their half only are answered; the queue may be full meanwhile.
    eventually(lambda: server.post("/predict", jpeg)[0] != 503)
    served(server)
    assert server.rss_mib() - before < MAX_GROWTH_MIB


def test_the_log_has_neither_images_nor_tracebacks(server):
    log = server.log.read_text()
    assert "Traceback" not in log
    assert '"status":500' not in log
    assert "script" not in log
