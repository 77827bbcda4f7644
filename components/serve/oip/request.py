"""Reads what a client of the Open Inference Protocol asks for; nothing of it is believed before it is checked."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from components.serve.http.errors import bad_request, shown, too_large
from components.serve.oip.names import MOST_NAMES, has_each_name_once
from components.serve.oip.tensors import Json, bytes_tensor, uint8_tensor

IMAGE, ENCODED_IMAGE = "image", "encoded_image"
OUTPUTS = ("probabilities", "class")
# Python does nothing else while it reads JSON; this much takes about 30 ms.
MAX_JSON_BYTES = 8 << 20
MAX_ID = 256


@dataclass(frozen=True, slots=True)
class Output:
    """An output asked for, and whether in the binary form."""

    name: str
    binary: bool


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """Image files, or pictures uint8 RGB `[H, W, 3]`; the outputs asked for; the request's own id, if any."""

    images: list[bytes] | list[NDArray[np.uint8]]
    outputs: list[Output]
    id: str | None


def read_request(body: bytes, header_length: str | None, side: int, max_batch: int) -> InferenceRequest:
    """Return the request in `body`, whose JSON is the first `header_length` bytes, all of it if None.

    Pictures must be of `side` pixels a side; there may be `max_batch` images.

    Raises:
        RequestRefused: 400, it is malformed; 413, above a limit.
    """
    head, binary = _parted(body, header_length)
    asked = _object(_json(head), "The request")
    parameters = _object(asked.get("parameters", {}), "parameters")
    request_id = asked.get("id")
    if not (request_id is None or (isinstance(request_id, str) and len(request_id) <= MAX_ID)):
        raise bad_request(f"id must be a text of at most {MAX_ID} characters. Received: {shown(request_id)}.")
    outputs = _outputs(asked.get("outputs"), parameters.get("binary_data_output") is True)
    return InferenceRequest(_images(asked.get("inputs"), binary, side, max_batch), outputs, request_id)


def _parted(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    if header_length is None:
        length = len(body)
    elif header_length.isascii() and header_length.isdigit() and len(header_length) < 19:
        length = int(header_length)
    else:
        raise bad_request(
            f"Inference-Header-Content-Length must be a number of bytes. Received: {shown(header_length)}."
        )
    if length > len(body):
        raise bad_request(
            f"Inference-Header-Content-Length must be at most the body's {len(body)} bytes. Received: {length}."
        )
    if length > MAX_JSON_BYTES:
        raise too_large(
            f"The JSON must have at most {MAX_JSON_BYTES} bytes. Received: {length}. Send tensors in the binary form."
        )
    return body[:length], body[length:]


def _json(head: bytes) -> Any:
    try:
        asked = orjson.loads(head)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"The request must be JSON: {error}.") from error
    if not has_each_name_once(head, asked):
        raise bad_request(f"The request must have each name once in an object, and at most {MOST_NAMES}.")
    return asked


def _object(value: Any, what: str) -> Json:
    if not isinstance(value, dict):
        raise bad_request(f"{what} must be a JSON object. Received: {shown(value)}.")
    return value


def _outputs(asked: Any, binary: bool) -> list[Output]:
    if asked is None or asked == []:
        return [Output(name, binary) for name in OUTPUTS]
    if not isinstance(asked, list) or len(asked) > len(OUTPUTS):
        raise bad_request(f"outputs must be a list of at most {len(OUTPUTS)}. Received: {shown(asked)}.")
    return [_output(_object(output, "An output"), binary) for output in asked]


def _output(output: Json, binary: bool) -> Output:
    if (name := output.get("name")) not in OUTPUTS:
        raise bad_request(f"An output must be one of {', '.join(OUTPUTS)}. Received: {name!r}.")
    parameters = _object(output.get("parameters", {}), "parameters")
    if "classification" in parameters or "shared_memory_region" in parameters:
        raise bad_request("The extensions for classification and shared memory are not offered.")
    return Output(name, parameters.get("binary_data", binary) is True)


def _images(inputs: Any, binary: bytes, side: int, max_batch: int) -> list[bytes] | list[NDArray[np.uint8]]:
    if not isinstance(inputs, list) or len(inputs) != 1:
        raise bad_request(
            f"inputs must be a list of one tensor, {IMAGE} or {ENCODED_IMAGE}. Received: {shown(inputs)}."
        )
    tensor = _object(inputs[0], "An input")
    name, datatype, shape = tensor.get("name"), tensor.get("datatype"), tensor.get("shape")
    own = _own_binary(tensor, binary)
    if name == IMAGE and datatype == "UINT8":
        return list(uint8_tensor(tensor, own, _shape(shape, [side, side, 3], max_batch)))
    if name == ENCODED_IMAGE and datatype == "BYTES":
        if isinstance(shape, list) and len(shape) == 2:  # How clients of batching models shape it.
            return bytes_tensor(tensor, own, _shape(shape, [1], max_batch)[0])
        return bytes_tensor(tensor, own, _shape(shape, [], max_batch)[0])
    raise bad_request(f"An input must be {IMAGE}, UINT8, or {ENCODED_IMAGE}, BYTES. Received: {name!r}, {datatype!r}.")


def _own_binary(tensor: Json, binary: bytes) -> bytes | None:
    size = _object(tensor.get("parameters", {}), "parameters").get("binary_data_size")
    if size is None:
        if binary:
            raise bad_request(
                f"What follows the JSON must be a tensor with binary_data_size. Received: {len(binary)} bytes, no size."
            )
        return None
    if type(size) is not int or size != len(binary) or "data" in tensor:
        raise bad_request(
            f"binary_data_size must be what follows the JSON, {len(binary)} bytes, and without data. "
            f"Received: {shown(size)}{' with data' if 'data' in tensor else ''}."
        )
    return binary


def _shape(shape: Any, rest: list[int], most: int) -> list[int]:
    if not isinstance(shape, list) or not all(type(n) is int for n in shape) or not shape or shape[1:] != rest:
        described = ", ".join(["N", *map(str, rest)])
        raise bad_request(f"The tensor's shape must be [{described}]. Received: {str(shape)[:80]}.")
    if shape[0] < 1:
        raise bad_request(f"A tensor must have 1 to {most} images. Received: {shape[0]}.")
    if shape[0] > most:
        raise too_large(f"A batch must have at most {most} images. Received: {shape[0]}.")
    return shape
