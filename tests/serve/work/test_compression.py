"""Compressed bodies: as good as any, and never more than the limits allow."""

import asyncio
import base64
import gzip
import json
import zlib

import numpy as np
import pytest
import tritonclient.http as triton
from PIL import Image

from components.serve.http.errors import RequestRefused
from components.serve.work import compression
from components.serve.work.pool import Pool
from tests.serve.test_habits import RED, post, raw, server  # noqa: F401 - a fixture
from tests.support.generated_images import encoded
from tests.support.hostile_requests import FORM, INFER, form, part


def raw_deflate(data: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(data) + packing.flush()


CODINGS = [("gzip", gzip.compress), ("X-GZip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)]


@pytest.mark.parametrize(("coding", "pack"), CODINGS)
@pytest.mark.parametrize("path", ["/predict", "/batch_predict", "/model_input", INFER])
def test_a_compressed_body_is_as_good_as_any(server, coding, pack, path):  # noqa: F811
    tensor = {"name": "encoded_image", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(RED).decode()]}
    body, kind = {
        "/batch_predict": (form(part(RED, "images[]")), FORM),
        INFER: (json.dumps({"inputs": [tensor]}).encode(), "application/json"),
    }.get(path, (RED, "image/png"))
    plain = server.post(path, body, kind, {"X-Request-Id": "same"})
    assert plain[0] == 200
    assert server.post(path, pack(body), kind, {"Content-Encoding": coding, "X-Request-Id": "same"}) == plain


def test_a_picture_of_more_than_a_slice_arrives_whole(server):  # noqa: F811
    noise = np.random.default_rng(0).integers(0, 256, (500, 600, 3), np.uint8)
    large = encoded(Image.fromarray(noise), "BMP")
    assert compression._SLICE < len(large) < 1_000_000
    answers = [server.post("/model_input", gzip.compress(large), headers={"Content-Encoding": "gzip"})]
    assert answers == [server.post("/model_input", large)]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_tritonclient_may_compress(server, coding):  # noqa: F811
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
    ids=range(14),  # A gzip file begins with its time, which no test is named by.
)
def test_what_is_compressed_amiss_is_refused_and_costs_little(server, body, coding, status):  # noqa: F811
    server.forget_peak()
    before = server.rss_mib()
    assert server.post("/predict", body, headers={"Content-Encoding": coding})[0] == status
    assert server.peak_mib() - before < 32
    assert server.post("/predict", RED)[0] == 200


def test_two_headers_of_coding_are_two_codings(server):  # noqa: F811
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
