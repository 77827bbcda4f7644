"""The Open Inference Protocol v2, spoken by Triton's own client, and what a hostile one may send."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.dataset.images import to_model_input
from tests.support.generated_images import PICTURES, encoded
from tests.support.serving import CLASSES, SIDE, RunningServer, colour_bundle, colour_probabilities, running_server

INFER = "/v2/models/pets/infer"
PIXELS = np.random.default_rng(3).integers(0, 256, (4, SIDE, SIDE, 3), np.uint8)
FILES = [PICTURES[name]() for name in ("jpeg", "png alpha", "webp")]
LENGTH = "Inference-Header-Content-Length"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("serve")
    named = {"model_name": "pets", "model_version": "7", "max_batch": "8"}
    with running_server(colour_bundle(folder / "bundle"), folder / "log", **named) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as made:
        yield made


def tensor(name: str, values: np.ndarray, datatype: str, binary: bool = True) -> triton.InferInput:
    made = triton.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def files(*contents: bytes) -> np.ndarray:
    return np.array(contents, dtype=object)


def posted(server: RunningServer, body: Any, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer = server.post(INFER, data, "application/json", headers)
    return status, json.loads(answer)


def encoded_input(*contents: bytes) -> dict[str, Any]:
    data = [base64.b64encode(content).decode() for content in contents]
    return {"name": "encoded_image", "datatype": "BYTES", "shape": [len(data)], "data": data}


def pixel_input(data: Any, count: int) -> dict[str, Any]:
    return {"name": "image", "datatype": "UINT8", "shape": [count, SIDE, SIDE, 3], "data": data}


def test_tritons_client_finds_the_server_and_its_model(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("pets")
    assert client.is_model_ready("pets", "7")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    facts = client.get_model_metadata("pets", "7")
    assert (facts["name"], facts["versions"]) == ("pets", ["7"])
    assert facts["inputs"][0] == {"name": "image", "datatype": "UINT8", "shape": [-1, SIDE, SIDE, 3]}
    assert facts["outputs"][0] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]}


@pytest.mark.parametrize("binary_input", [True, False])
@pytest.mark.parametrize("binary_output", [True, False])
def test_tritons_client_infers_from_pixels(client, binary_input, binary_output):
    wanted = [triton.InferRequestedOutput(name, binary_data=binary_output) for name in ("probabilities", "class")]
    answer = client.infer("pets", [tensor("image", PIXELS, "UINT8", binary_input)], outputs=wanted, request_id="r-1")
    expected = colour_probabilities(PIXELS)
    np.testing.assert_allclose(answer.as_numpy("probabilities"), expected, atol=1e-5)
    found = [name.decode() if isinstance(name, bytes) else name for name in answer.as_numpy("class")]
    assert found == [CLASSES[index] for index in expected.argmax(axis=1)]
    assert answer.get_response()["id"] == "r-1"
    assert answer.get_response()["model_version"] == "7"


def test_tritons_client_infers_from_image_files(client):
    expected = colour_probabilities(np.stack([to_model_input(data, SIDE) for data in FILES]))
    for shape in ((3,), (3, 1)):
        answer = client.infer("pets", [tensor("encoded_image", files(*FILES).reshape(shape), "BYTES")])
        np.testing.assert_allclose(answer.as_numpy("probabilities"), expected, atol=1e-5)


def test_tritons_client_is_told_what_is_wrong(client):
    with pytest.raises(triton.InferenceServerException, match="Image 1: The content is not a readable JPEG"):
        client.infer("pets", [tensor("encoded_image", files(FILES[0], b"no image"), "BYTES")])
    with pytest.raises(triton.InferenceServerException, match=r"version 7\. Received: cats"):
        client.infer("cats", [tensor("image", PIXELS, "UINT8")])
    with pytest.raises(triton.InferenceServerException, match="at most 8 images"):
        client.infer("pets", [tensor("image", np.repeat(PIXELS, 3, axis=0), "UINT8")])


def test_json_carries_files_as_base64_and_pixels_flat_or_nested(server):
    expected = colour_probabilities(to_model_input(FILES[0], SIDE)[None]).ravel()
    status, answer = posted(server, {"inputs": [encoded_input(FILES[0])], "outputs": [{"name": "probabilities"}]})
    assert status == 200
    [output] = answer["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("probabilities", "FP32", [1, 3])
    np.testing.assert_allclose(output["data"], expected, atol=1e-5)
    flat = posted(server, {"inputs": [pixel_input(PIXELS.ravel().tolist(), 4)]})
    assert flat[0] == 200
    assert flat == posted(server, {"inputs": [pixel_input(PIXELS.tolist(), 4)]})


def test_a_batch_gives_exactly_what_its_images_give_alone(client):
    together = client.infer("pets", [tensor("image", PIXELS, "UINT8")]).as_numpy("probabilities")
    for index in range(4):
        alone = client.infer("pets", [tensor("image", PIXELS[index : index + 1], "UINT8")])
        assert np.array_equal(alone.as_numpy("probabilities")[0], together[index])


def test_a_model_or_version_that_is_not_served_is_not_found(server):
    for path in ("/v2/models/cats", "/v2/models/pets/versions/6", "/v2/models/cats/ready"):
        status, body = server.get(path)
        assert (status, list(json.loads(body))) == (404, ["error"])


GOOD = {"inputs": [encoded_input(FILES[0])]}


@pytest.mark.parametrize(
    "request_body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"inputs": NaN}',
        b"\xff",
        b"[" * 100_000,
        {},
        {"inputs": []},
        {"inputs": [encoded_input(FILES[0])] * 2},
        {"inputs": ["image"]},
        {"inputs": [{**encoded_input(FILES[0]), "shape": [2]}]},
        {"inputs": [{**encoded_input(FILES[0]), "shape": [1, 2]}]},
        {"inputs": [{**encoded_input(FILES[0]), "shape": []}]},
        {"inputs": [{**encoded_input(FILES[0]), "shape": [True]}]},
        {"inputs": [{**encoded_input(FILES[0]), "shape": "1"}]},
        {"inputs": [{**encoded_input(FILES[0]), "data": "text"}]},
        {"inputs": [{**encoded_input(FILES[0]), "data": ["no base64!"]}]},
        {"inputs": [{**encoded_input(FILES[0]), "data": [5]}]},
        {"inputs": [{**encoded_input(FILES[0]), "data": None}]},
        {"inputs": [{**encoded_input(FILES[0]), "datatype": "UINT8"}]},
        {"inputs": [{**encoded_input(FILES[0]), "name": ["encoded_image"]}]},
        {"inputs": [{**encoded_input(FILES[0]), "parameters": []}]},
        {"inputs": [{**encoded_input(FILES[0]), "parameters": {"binary_data_size": 5}}]},
        {"inputs": [{**encoded_input(FILES[0]), "parameters": {"binary_data_size": "5"}}]},
        {"inputs": [pixel_input([256] * SIDE * SIDE * 3, 1)]},
        {"inputs": [pixel_input([-1] * SIDE * SIDE * 3, 1)]},
        {"inputs": [pixel_input([0.5] * SIDE * SIDE * 3, 1)]},
        {"inputs": [pixel_input(["1"] * SIDE * SIDE * 3, 1)]},
        {"inputs": [pixel_input([0] * 5, 1)]},
        {"inputs": [pixel_input([[0, 1], 2], 1)]},
        {"inputs": [pixel_input([], 0)]},
        {"inputs": [pixel_input({}, 1)]},
        {"inputs": [pixel_input([[]], 1)]},
        {"inputs": [pixel_input([0], -1)]},
        {**GOOD, "outputs": [{"name": "logits"}]},
        {**GOOD, "outputs": [{"name": ["class"]}]},
        {**GOOD, "outputs": "class"},
        {**GOOD, "outputs": [{"name": "class"}] * 3},
        {**GOOD, "outputs": [{"name": "class", "parameters": {"classification": 2}}]},
        {**GOOD, "parameters": 5},
        {**GOOD, "id": 5},
        b'{"id": "a", ' + json.dumps(GOOD).encode()[1:-1] + b', "id": "b"}',
        {**GOOD, "id": "x" * 257},
    ],
)
def test_a_malformed_request_is_refused_in_the_protocols_own_shape(server, request_body):
    status, answer = posted(server, request_body)
    assert status == 400
    assert list(answer) == ["error"]


@pytest.mark.parametrize(
    ("request_body", "received"),
    [
        ([], "a list of 0"),
        ({"inputs": {"a": 1}}, "an object"),
        ({"inputs": [5]}, "5"),
        ({**GOOD, "outputs": "class"}, "'class'"),
        ({**GOOD, "id": "x" * 10_000}, "'xxxxxxxxxxxx...xxxxxxxxxxxxx'"),
        ({"inputs": [{**encoded_input(FILES[0]), "parameters": {"binary_data_size": 5}}]}, "5 with data"),
    ],
)
def test_a_refusal_says_in_short_what_was_received(server, request_body, received):
    status, answer = posted(server, request_body)
    assert status == 400
    assert f"Received: {received}." in answer["error"]


@pytest.mark.parametrize("length", ["x", "-1", "5000", "1" * 30, "٣"])
def test_a_header_length_that_cannot_be_is_refused(server, length):
    assert posted(server, GOOD, {LENGTH: length.encode().decode("latin-1")})[0] == 400


def test_json_above_its_own_limit_is_refused(server):
    status, answer = posted(server, b"[" + b"0," * (4 << 20) + b"0]")
    assert status == 413
    assert "binary form" in answer["error"]


@settings(max_examples=60)
@given(st.binary(max_size=60), st.sampled_from([0, 1, 3]))
def test_no_binary_tensor_makes_the_server_fail(server, tail, count):
    head = json.dumps(
        {
            "inputs": [
                {
                    "name": "encoded_image",
                    "datatype": "BYTES",
                    "shape": [count],
                    "parameters": {"binary_data_size": len(tail)},
                }
            ]
        }
    ).encode()
    status, answer = posted(server, head + tail, {LENGTH: str(len(head))})
    assert status in (400, 415, 422), answer


def test_an_empty_image_among_others_is_named(server):
    status, answer = posted(server, {"inputs": [encoded_input(encoded(Image.new("RGB", (9, 9)), "PNG"), b"")]})
    assert status == 400
    assert answer["error"].startswith("Image 1: ")
