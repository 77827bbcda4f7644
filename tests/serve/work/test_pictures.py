"""Pictures that are large or thin: neither holds up what is small."""

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from tests.serve.test_limits import RED, bundle, small_service  # noqa: F401 - a fixture
from tests.support.generated_images import encoded
from tests.support.serving import eventually, run_on, running_server


async def released(lock: asyncio.Lock) -> None:
    lock.release()


def test_large_pictures_that_wait_for_each_other_hold_no_worker(bundle):  # noqa: F811
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


def test_thin_pictures_cost_little(bundle, tmp_path):  # noqa: F811
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
