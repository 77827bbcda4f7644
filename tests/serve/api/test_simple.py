"""The simple API of a real server: what a client sends and reads."""

import http.client
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.dataset.images import to_model_input
from tests.support.generated_images import PICTURES, encoded, png_bomb
from tests.support.patience import PATIENCE
from tests.support.serving import (
    CLASSES,
    SIDE,
    RunningServer,
    colour_bundle,
    colour_probabilities,
    eventually,
    running_server,
)

RED, GREEN, BLUE = (encoded(Image.new("RGB", (60, 40), colour), "PNG") for colour in ("red", "green", "blue"))
SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("serve")
    with running_server(
        colour_bundle(folder / "bundle"), folder / "log", max_batch="4", max_pixels="1000000"
    ) as running:
        yield running


def form(*files: tuple[str, str, bytes]) -> tuple[bytes, str]:
    """Return a form of (field, file name, content) and its content type."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode() + data
        for field, name, data in files
    ]
    return b"\r\n".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def posted(server: RunningServer, path: str, body: bytes, content_type: str = "image/png") -> tuple[int, dict]:
    status, answer = server.post(path, body, content_type)
    return status, json.loads(answer)


def exchange(server: RunningServer, method: str, path: str, body: bytes = b"", **headers: str):
    """Return status, headers by lower-case name, and body of any request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_a_raw_image_is_classified(server):
    status, answer = posted(server, "/predict", RED)
    assert status == 200
    assert answer["class"] == "red"
    assert list(answer["probabilities"]) == CLASSES
    assert answer["confidence"] == answer["probabilities"]["red"] > 0.9
    assert answer["model"]["name"] == "classifier"
    assert answer["model"]["digest"].startswith(answer["model"]["version"])


def test_a_form_with_one_file_is_the_same(server):
    body, content_type = form(("image", "red.png", RED))
    assert (
        posted(server, "/predict", body, content_type)[1]["probabilities"]
        == (posted(server, "/predict", RED)[1]["probabilities"])
    )


@pytest.mark.parametrize("name", PICTURES)
def test_every_kind_of_picture_gives_what_its_pixels_give(server, name):
    data = PICTURES[name]()
    expected = colour_probabilities(to_model_input(data, SIDE)[None])[0]
    found = posted(server, "/predict", data)[1]["probabilities"]
    np.testing.assert_allclose([found[name] for name in CLASSES], expected, atol=1e-5)


def test_a_batch_keeps_its_order_and_each_image_its_own_fate(server):
    files = [("images[]", "a.png", RED), ("images[]", "b.txt", b"no image"), ("images[]", "ç.png", BLUE)]
    body, content_type = form(*files, ("images", "d.png", RED[:60]))
    status, answer = posted(server, "/batch_predict", body, content_type)
    entries = answer["predictions"]
    assert status == 200
    assert [entry["index"] for entry in entries] == [0, 1, 2, 3]
    assert [entry["filename"] for entry in entries] == ["a.png", "b.txt", "ç.png", "d.png"]
    assert [entry["status"] for entry in entries] == [200, 415, 200, 422]
    assert [entry.get("class") for entry in entries] == ["red", None, "blue", None]
    assert [entry.get("error", {}).get("code") for entry in entries] == [None, "unsupported_image", None, "bad_image"]


def test_a_batch_says_exactly_what_single_requests_say_whoever_asks_beside_it(server):
    images = [PICTURES[name]() for name in ("jpeg", "png alpha", "webp", "jpeg cmyk")]
    body, content_type = form(*(("images[]", "x", data) for data in images))
    with ThreadPoolExecutor(8) as threads:
        batches = [threads.submit(posted, server, "/batch_predict", body, content_type) for _ in range(8)]
        singles = [threads.submit(posted, server, "/predict", data) for data in images * 4]
        expected = [future.result()[1]["probabilities"] for future in singles[:4]]
        for index, future in enumerate(singles):
            assert future.result()[1]["probabilities"] == expected[index % 4]
        for batch in batches:
            assert [entry["probabilities"] for entry in batch.result()[1]["predictions"]] == expected


@pytest.mark.parametrize(
    ("body", "status", "code", "said"),
    [
        (b"", 400, "bad_request", "must not be empty"),
        (b"GIF89a" + bytes(50), 415, "unsupported_image", "JPEG, PNG, WebP or BMP"),
        (RED[:-30], 422, "bad_image", "cannot be decoded"),
        (png_bomb(2000, 2000), 422, "bad_image", "2000 x 2000 pixels, more than the limit of 1000000"),
        (bytes(21 << 20), 413, "too_large", "at most 20971520 bytes"),
    ],
)
def test_a_bad_image_is_refused_with_the_reason(server, body, status, code, said):
    found, answer = posted(server, "/predict", body)
    assert (found, answer["error"]["code"]) == (status, code)
    assert said in answer["error"]["message"]
    assert answer["request_id"]


@pytest.mark.parametrize(
    ("path", "files", "status"),
    [
        ("/predict", [], 400),
        ("/predict", [("image", "a", RED), ("image", "b", RED)], 413),
        ("/batch_predict", [], 400),
        ("/batch_predict", [("pictures", "a", RED)], 400),
        ("/batch_predict", [("images[]", "a", RED)] * 5, 413),
        ("/batch_predict", [("images[]", "a", b"")] * 10_000, 413),
    ],
)
def test_a_form_of_too_few_or_too_many_files_is_refused(server, path, files, status):
    assert posted(server, path, *form(*files))[0] == status


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=x"])
def test_a_form_that_is_none_is_refused(server, boundary):
    for body in (b"", b"no form", b"--x\r\n", b"--x\r\nContent-Disposition: form-data; filename=a\r\n\r\nbreaks off"):
        status, answer = posted(server, "/predict", body, f"multipart/form-data{boundary}")
        assert (status, answer["error"]["code"]) == (400, "bad_request"), body


def test_a_batch_must_be_a_form(server):
    assert posted(server, "/batch_predict", RED)[0] == 400


def test_a_body_that_is_compressed_in_an_unknown_way_is_refused_with_what_is_known(server):
    status, headers, body = exchange(server, "POST", "/predict", RED, Content_Encoding="br")
    assert (status, json.loads(body)["error"]["code"]) == (415, "unsupported_encoding")
    assert headers["accept-encoding"] == "gzip, deflate"


def test_every_answer_has_its_request_id_and_security_headers(server):
    for method, path, body in (
        ("GET", "/health", b""),
        ("POST", "/predict", b"x"),
        ("GET", "/nowhere", b""),
        ("PUT", "/predict", b""),
    ):
        _, headers, _ = exchange(server, method, path, body)
        assert headers.items() >= SECURITY.items()
        assert len(headers["x-request-id"]) == 32
        assert "server" not in headers


def test_a_clients_request_id_is_kept_unless_it_is_odd(server):
    assert exchange(server, "GET", "/health", X_Request_Id="a-1.b_2")[1]["x-request-id"] == "a-1.b_2"
    for odd in ("a b", "x" * 129, '"'):
        assert exchange(server, "GET", "/health", X_Request_Id=odd)[1]["x-request-id"] != odd


def test_another_path_or_method_is_refused_as_json(server):
    status, _, body = exchange(server, "GET", "/nowhere")
    assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")
    status, headers, body = exchange(server, "GET", "/predict")
    assert (status, headers["allow"], json.loads(body)["error"]["code"]) == (405, "POST", "method_not_allowed")


def test_metadata_says_what_is_served_and_within_which_limits(server):
    facts = json.loads(server.get("/metadata")[1])
    assert facts["class_names"] == CLASSES
    assert facts["image_size"] == SIDE
    assert facts["metrics"] == {"accuracy": 0.9}
    assert facts["limits"]["max_batch"] == 4
    assert facts["engine"]["name"] == "openvino"
    assert facts["formats"] == ["BMP", "JPEG", "PNG", "WEBP"]


def test_metrics_count_requests_classes_and_refusals(server):
    before = metrics(server)
    for data in (GREEN, GREEN, b"no image"):
        server.post("/predict", data)
    server.get("/made/up/path")
    other = 'pawline_requests_total{route="other",status="404"}'
    eventually(lambda: metrics(server).get(other, 0) > before.get(other, 0))  # The answer goes before it is counted.
    after = metrics(server)
    for name, more in {
        'pawline_predictions_total{class="green"}': 2,
        'pawline_rejected_total{reason="unsupported_image"}': 1,
        'pawline_requests_total{route="/predict",status="200"}': 2,
        'pawline_requests_total{route="/predict",status="415"}': 1,
        other: 1,
        'pawline_request_seconds_count{route="/predict"}': 3,
        "pawline_predict_seconds_count": 2,
    }.items():
        assert after[name] - before.get(name, 0) == more, name
    assert after["pawline_queue_images"] == after["pawline_buffered_bytes"] == 0


def metrics(server: RunningServer) -> dict[str, float]:
    lines = server.get("/metrics")[1].decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def test_the_log_has_a_line_a_request_and_nothing_of_the_image(server):
    secret = b"an image with a secret"
    exchange(server, "POST", "/predict?token=hidden", secret, X_Request_Id="look-for-me", Authorization="Bearer hidden")
    eventually(lambda: "look-for-me" in server.log.read_text())  # The answer goes before its line in the log.
    text = server.log.read_text()
    [line] = [line for line in map(json.loads, text.splitlines()) if line.get("request_id") == "look-for-me"]
    assert line["status"] == 415
    assert line["refused"] == "unsupported_image"
    assert (line["method"], line["path"], line["bytes_received"]) == ("POST", "/predict", len(secret))
    assert "secret" not in text
    assert "hidden" not in text


def test_the_page_has_the_examples_and_the_picture_as_the_model_sees_it(server):
    status, headers, _ = exchange(server, "GET", "/")
    assert status == 200
    assert "script-src 'self'" in headers["content-security-policy"]
    [first, *_] = json.loads(server.get("/examples")[1])["examples"]
    picture = server.get(f"/{first['url']}")[1]
    assert posted(server, "/predict", picture)[1]["class"] == first["class"]
    assert server.get("/examples/99.png")[0] == 404
    data = PICTURES["webp lossless turned"]()
    status, seen = server.post("/model_input", data)
    assert status == 200
    assert np.array_equal(to_model_input(seen, SIDE), to_model_input(data, SIDE))
    assert server.post("/model_input", b"no image")[0] == 415
    assert json.loads(server.get("/card")[1]) == json.loads(server.get("/metadata")[1])


@pytest.mark.parametrize(
    "path", ["/page/../settings.py", "/page/%2e%2e/settings.py", "/page/..%2fsettings.py", "/page//etc/passwd"]
)
def test_the_pages_files_are_all_that_can_be_read(server, path):
    assert exchange(server, "GET", path)[0] == 404


def test_the_page_can_be_switched_off(tmp_path: Path):
    with running_server(colour_bundle(tmp_path / "bundle"), tmp_path / "log", page="false") as plain:
        for path in ("/", "/page/index.html", "/examples", "/card", "/dashboard"):
            assert plain.get(path)[0] == 404
        assert posted(plain, "/predict", RED)[1]["class"] == "red"
