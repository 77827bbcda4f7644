"""Tensors of the Open Inference Protocol v2, as JSON and in its binary extension.

Source: https://github.com/kserve/open-inference-protocol, `specification/protocol/inference_rest.md`, and
https://github.com/triton-inference-server/server, `docs/protocol/extension_binary_data.md`.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.serve.http.errors import bad_request

Json = Mapping[str, Any]


def uint8_tensor(tensor: Json, binary: bytes | None, shape: list[int]) -> NDArray[np.uint8]:
    """Return the UINT8 `tensor` of `shape`, from its `binary` form where it has one, else from its JSON, any nesting.

    Raises:
        RequestRefused: 400, it is something else.
    """
    data = binary if binary is not None else _bytes_of(tensor.get("data"))
    if len(data) != prod(shape):
        raise bad_request(f"A tensor of shape {shape} must have {prod(shape)} values. Received: {len(data)}.")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _bytes_of(data: object) -> bytes:
    try:
        return bytes(_flat(data))  # Checks every value, and is faster than numpy.
    except (TypeError, ValueError, KeyError) as error:
        raise bad_request("The data of a UINT8 tensor must be a list of whole numbers from 0 to 255.") from error


def _flat(data: object) -> list[Any]:
    """Return the elements of lists in lists, each of which is passed over once.

    A text among the lists would be taken apart into texts of a character, and these into themselves at every level.

    Raises:
        TypeError: `data` is no list, or holds lists beside something else.
    """
    values = data
    while isinstance(values, list) and values and isinstance(values[0], list):
        if not all(isinstance(value, list) for value in values):
            raise TypeError("lists beside something else")
        values = list(chain.from_iterable(values))
    if not isinstance(values, list):
        raise TypeError("no list")
    return values


def bytes_tensor(tensor: Json, binary: bytes | None, count: int) -> list[bytes]:
    """Return the elements of the BYTES `tensor` with `count` of them; as JSON each is base64.

    Raises:
        RequestRefused: 400, it is something else.
    """
    elements = _from_json(tensor.get("data")) if binary is None else _from_binary(binary)
    if len(elements) != count:
        raise bad_request(f"A tensor of {count} elements must have as many. Received: {len(elements)}.")
    return elements


def _from_json(data: object) -> list[bytes]:
    try:
        return [base64.b64decode(value, validate=True) for value in _flat(data)]
    except (TypeError, ValueError, binascii.Error) as error:
        raise bad_request("The data of a BYTES tensor must be a list of base64 texts.") from error


def _from_binary(binary: bytes) -> list[bytes]:
    elements, position = [], 0
    while position < len(binary):
        start = position + 4
        end = start + int.from_bytes(binary[position:start], "little")
        if start > len(binary) or end > len(binary):
            raise bad_request("A binary BYTES tensor must be elements of a length in 4 bytes and so many bytes.")
        elements.append(binary[start:end])
        position = end
    return elements


def binary_of(values: NDArray[np.float32] | Sequence[str]) -> bytes:
    """Return an output in its binary form: FP32 of a row-major array, BYTES of texts."""
    if isinstance(values, np.ndarray):
        return values.astype("<f4").tobytes()
    encoded = [value.encode() for value in values]
    return b"".join(len(value).to_bytes(4, "little") + value for value in encoded)
