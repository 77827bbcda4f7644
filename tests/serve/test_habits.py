"""The habits of clients and platforms: how they spell paths and forms, compress, close, and reach a server by name."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from PIL import Image

from components.serve.app import make_app
from components.serve.server import _listening
from components.serve.settings import Settings
from tests.serve.test_app import NoToken, asked, service  # noqa: F401 - a fixture
from tests.serve.test_limits import answer_on
from tests.support.generated_images import encoded
from tests.support.hostile_requests import FORM, form, part
from tests.support.patience import PATIENCE
from tests.support.serving import RunningServer, colour_bundle, running_server

RED = encoded(Image.new("RGB", (60, 40), "red"), "PNG")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("habits")
    with running_server(colour_bundle(folder / "bundle"), folder / "log", max_body_bytes="1000000") as running:
        yield running


def raw(server: RunningServer, data: bytes, half_close: bool = False) -> bytes:
    """Return all that comes back for `data`."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        with suppress(ConnectionError):  # Refused before all was sent.
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))
        return b""


def post(target: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {target} HTTP/1.1", "Host: model.example", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_no_path_is_redirected_elsewhere_and_a_slash_at_the_end_is_none(service):  # noqa: F811
    app = make_app(service)
    for route in app._app._app.routes:
        path = route.path.replace("{name}", "classifier").replace("{version}", service.model.version)
        path = path.replace("{index:int}", "0") or "/page/page.js"
        for method in ("GET", "HEAD", "POST"):
            plain = asked(app, method, path, {"Host": "inside:8080", "X-Forwarded-Proto": "https"})
            slashed = asked(app, method, f"{path}/", {"Host": "inside:8080", "X-Forwarded-Proto": "https"})
            assert plain[0] == slashed[0], path
            for _, headers, _ in (plain, slashed):
                assert headers.get("location", "./").startswith(("./", "../")), path
    assert asked(app, "GET", "/docs/")[1]["location"] == "../#api"
    assert asked(app, "GET", "/docs")[1]["location"] == "./#api"


@pytest.mark.parametrize("path", ["/metadata/", "/metadata//", "/predict/", "/dashboard/", "/v2/"])
def test_a_slash_leads_past_no_token(service, path):  # noqa: F811
    assert asked(make_app(service, NoToken()), "GET", path)[0] == 401


def test_an_image_is_posted_to_a_path_with_a_slash(server):
    status, body = server.post("/predict/", RED)
    assert (status, json.loads(body)["class"]) == (200, "red")
    assert server.get("/v2/health/ready/")[0] == server.get("/v2/models/classifier/ready/")[0] == 200


@pytest.mark.parametrize(
    "target", ["http://model.example/predict", "http://model.example:8080/predict/?x=1", "/predict?a"]
)
def test_an_absolute_target_is_its_path(server, target):
    answer = raw(server, post(target, RED, "Connection: close"))
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("target", ["http://model.example", "*", "model.example:443"])
def test_a_target_without_a_path_is_no_defect(server, target):
    assert raw(server, post(target, b"", "Connection: close")).split()[1] in (b"400", b"404")
    assert "Traceback" not in server.log.read_text()


def test_a_client_that_would_rather_speak_http_2_is_answered_each_time(server):
    """Java's client asks so with each request."""
    asks = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ")
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        for _ in range(2):
            connection.sendall(post("/predict", RED, *asks))
            assert answer_on(connection)[0] == 200


def test_who_wishes_for_another_protocol_a_thousand_times_at_once_is_refused(server):
    asks = ("Connection: Upgrade", "Upgrade: h2c")
    answers = raw(server, post("/predict", RED, *asks) * 1000)
    assert answers == b"" or b" 400 " in answers
    assert server.post("/predict", RED)[0] == 200
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("end", [b"no HTTP\r\n\r\n", b""])
def test_what_comes_behind_a_request_makes_its_answer_no_defect(server, end):
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            connection.sendall(post("/predict", RED) * 3 + end)
    assert server.post("/predict", RED)[0] == 200
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    "disposition",
    [
        "name=\"images[]\"; filename*=UTF-8''na%C3%AFve%20cat.png",
        "name=\"images[]\"; FileName* = utf-8'de'na%C3%AFve%20cat.png",
        'name="images[]"; filename="naïve cat.png"',
        'name="images[]"; filename="naïve cat.png"; filename*=UTF-8\'\'other.png',
        'name="images[]"',
        "name=images",
        'name="images[]"; filename=""',
    ],
)
def test_a_part_is_a_file_by_any_of_its_names(server, disposition):
    body = form(f"Content-Disposition: form-data; {disposition}\r\n\r\n".encode() + RED)
    status, answer = server.post("/batch_predict", body, FORM)
    [entry] = json.loads(answer)["predictions"]
    assert (status, entry["class"]) == (200, "red")
    assert entry["filename"] == ("naïve cat.png" if "cat" in disposition else "")
    assert server.post("/predict", body, FORM)[0] == 200


def test_other_fields_without_a_files_name_are_none_still(server):
    body = form(part(RED, "images[]"), part(b"text", "note", filename=None))
    assert len(json.loads(server.post("/batch_predict", body, FORM)[1])["predictions"]) == 1
    assert server.post("/predict", form(part(b"x", "image", filename=None)), FORM)[0] == 400


@pytest.mark.parametrize("count", [1, 3])
def test_a_client_who_has_said_all_still_gets_its_answers(server, count):
    answer = raw(server, post("/predict", RED) * count, half_close=True)
    assert answer.count(b"HTTP/1.1 200 ") == count
    assert answer.count(b'"class":"red"') == count
    assert answer.count(b"connection: close") <= 1  # None where the last answer left before the client's end was heard.


@pytest.mark.parametrize("data", [b"", b"GET /hea", post("/predict", RED)[:-5]])
def test_a_client_who_leaves_in_the_middle_is_let_go(server, data):
    assert b" 200 " not in raw(server, data, half_close=True)


def test_all_addresses_are_those_of_both_families():
    with _listening(Settings(host="::", port=0)) as listening:
        port = listening.getsockname()[1]
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port), timeout=PATIENCE).close()
    with _listening(Settings(host="::1", port=0)) as listening, pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", listening.getsockname()[1]), timeout=PATIENCE)
