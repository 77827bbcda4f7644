"""The habits of clients and platforms: how they spell paths and forms, compress, close, and reach a server by name."""

import asyncio
import base64
import gzip
import json
import socket
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
import tritonclient.http as triton
from PIL import Image

from components.serve.app import make_app
from components.serve.http.errors import RequestRefused
from components.serve.server import _listening
from components.serve.settings import Settings
from components.serve.work import compression
from components.serve.work.pool import Pool
from components.serve.work.service import Service
from tests.serve.test_app import NoToken, asked, service  # noqa: F401 - a fixture
from tests.serve.test_limits import answer_on
from tests.support.generated_images import encoded
from tests.support.hostile_requests import FORM, INFER, form, part
from tests.support.patience import PATIENCE
from tests.support.serving import RunningServer, colour_bundle, running_server

RED = encoded(Image.new("RGB", (60, 40), "red"), "PNG")
ORIGIN = {"Origin": "https://a.example"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("habits")
    with running_server(colour_bundle(folder / "bundle"), folder / "log", max_body_bytes="1000000") as running:
        yield running


def raw(server: RunningServer, data: bytes, half_close: bool = False) -> bytes:
    """Return all that comes back for `data`."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


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


def raw_deflate(data: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(data) + packing.flush()


CODINGS = [("gzip", gzip.compress), ("X-GZip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]


@pytest.mark.parametrize(("coding", "pack"), CODINGS)
@pytest.mark.parametrize("path", ["/predict", "/batch_predict", "/model_input", INFER])
def test_a_compressed_body_is_as_good_as_any(server, coding, pack, path):
    tensor = {"name": "encoded_image", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(RED).decode()]}
    body, kind = {
        "/batch_predict": (form(part(RED, "images[]")), FORM),
        INFER: (json.dumps({"inputs": [tensor]}).encode(), "application/json"),
    }.get(path, (RED, "image/png"))
    plain = server.post(path, body, kind, {"X-Request-Id": "same"})
    assert plain[0] == 200
    assert server.post(path, pack(body), kind, {"Content-Encoding": coding, "X-Request-Id": "same"}) == plain


def test_a_picture_of_more_than_a_slice_arrives_whole(server):
    noise = np.random.default_rng(0).integers(0, 256, (500, 600, 3), np.uint8)
    large = encoded(Image.fromarray(noise), "BMP")
    assert compression._SLICE < len(large) < 1_000_000
    answers = [server.post("/model_input", gzip.compress(large), headers={"Content-Encoding": "gzip"})]
    assert answers == [server.post("/model_input", large)]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_tritonclient_may_compress(server, coding):
    client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    image = triton.InferInput("encoded_image", [1], "BYTES")
    image.set_data_from_numpy(np.array([RED], dtype=object))
    found = client.infer("classifier", [image], request_compression_algorithm=coding)
    assert found.as_numpy("class").tolist() == [b"red"]
    client.close()


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (gzip.compress(bytes(2_000_000)), "gzip", 413),
        (zlib.compress(bytes(500_000_000)), "deflate", 413),
        (gzip.compress(gzip.compress(RED)), "gzip", 415),
        (gzip.compress(RED), "gzip, gzip", 415),
        (gzip.compress(RED)[:-9], "gzip", 400),
        (gzip.compress(RED) + b"x", "gzip", 400),
        (gzip.compress(RED) * 2, "gzip", 400),
        (gzip.compress(b"") * 10_000, "gzip", 400),
        (RED, "gzip", 400),
        (RED, "deflate", 400),
        (b"", "gzip", 400),
        (gzip.compress(b""), "gzip", 400),
        (RED, "br", 415),
        (RED, "identity", 200),
    ],
)
def test_what_is_compressed_amiss_is_refused_and_costs_little(server, body, coding, status):
    server.forget_peak()
    before = server.rss_mib()
    assert server.post("/predict", body, headers={"Content-Encoding": coding})[0] == status
    assert server.peak_mib() - before < 32
    assert server.post("/predict", RED)[0] == 200


def test_two_headers_of_coding_are_two_codings(server):
    body = gzip.compress(RED)
    sent = post("/predict", body, "Content-Encoding: identity", "Content-Encoding: gzip", "Connection: close")
    assert raw(server, sent).split()[1] == b"415"


def test_what_a_body_inflates_to_is_held_as_any_body_is():
    pool = Pool(1, 1, 3 << 20)

    async def run() -> None:
        with pool.ticket() as ticket:
            body = gzip.compress(bytes(2 << 20))
            assert len(await compression.inflated(body, "gzip", ticket, pool.run, 4 << 20)) == pool.bytes == 2 << 20
            with pytest.raises(RequestRefused) as refused:
                await compression.inflated(body, "gzip", ticket, pool.run, 4 << 20)
            assert refused.value.refusal.status == 503
        assert pool.bytes == 0

    asyncio.run(run())
    pool.stop()


@pytest.mark.parametrize("count", [1, 3])
def test_a_client_who_has_said_all_still_gets_its_answers(server, count):
    answer = raw(server, post("/predict", RED) * count, half_close=True)
    assert answer.count(b"HTTP/1.1 200 ") == count
    assert answer.count(b'"class":"red"') == count
    assert answer.count(b"connection: close") == 1


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


def preflight(app: object, origin: str, path: str = "/predict") -> tuple[int, dict[str, str], bytes]:
    return asked(app, "OPTIONS", path, {"Origin": origin, "Access-Control-Request-Method": "POST"})


def test_no_page_of_another_origin_may_ask_by_default(service):  # noqa: F811
    app = make_app(service)
    for answer in (asked(app, "GET", "/metadata", ORIGIN), preflight(app, ORIGIN["Origin"])):
        assert not [name for name in answer[1] if name.startswith("access-control")]
    assert preflight(app, ORIGIN["Origin"])[0] == 405


@pytest.mark.parametrize("authorization", [None, NoToken()])
def test_a_page_that_is_named_may_ask_and_no_other(tmp_path, authorization):
    named = Service(Settings(workers=1, access_log=False, cors_origins="https://a.example http://localhost:3000"))
    app = make_app(named, authorization)
    status, headers, _ = preflight(app, "https://a.example")
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (204, "https://a.example", "Origin")
    assert "Authorization" in headers["access-control-allow-headers"]
    for path in ("/predict", "/metadata", "/health", "/nowhere"):  # Refusals can be read, too.
        allowed = asked(app, "GET", path, ORIGIN)[1]["access-control-allow-origin"]
        assert allowed == "https://a.example"
    for other in ("https://a.example.evil", "http://a.example", "null", "https://A.example", "*", ""):
        assert "access-control-allow-origin" not in preflight(app, other)[1]
        found = asked(app, "GET", "/health", {"Origin": other})[1]
        assert "access-control-allow-origin" not in found
        assert found["vary"] == "Origin"
    assert not [name for name in headers if name == "access-control-allow-credentials"]


def test_all_pages_may_be_let_in():
    app = make_app(Service(Settings(workers=1, access_log=False, cors_origins="*")))
    assert preflight(app, "null")[1]["access-control-allow-origin"] == "*"
    assert asked(app, "GET", "/health", ORIGIN)[1]["access-control-allow-origin"] == "*"
