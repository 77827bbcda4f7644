"""What a server may be sent around its images: forms and tensors that are malformed, endless or lies."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.hostile_images import good_files

BOUNDARY = "edge"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
INFER = "/v2/models/classifier/infer"


@dataclass(frozen=True)
class Request:
    """A POST and the statuses it may be answered with."""

    name: str
    path: str
    content_type: str
    body: bytes
    statuses: tuple[int, ...]
    headers: tuple[tuple[str, str], ...] = ()


def form(*parts: bytes, end: bytes = f"--{BOUNDARY}--\r\n".encode()) -> bytes:
    """Return a form of `parts`."""
    return b"".join(f"--{BOUNDARY}\r\n".encode() + part + b"\r\n" for part in parts) + end


def part(data: bytes, name: str = "image", filename: str | None = "a.jpg", more: str = "") -> bytes:
    """Return one part of a form, a file unless `filename` is None."""
    said = f'; filename="{filename}"' if filename is not None else ""
    return (
        f'Content-Disposition: form-data; name="{name}"{said}\r\n{more}\r\n'.encode("utf-8", "surrogateescape") + data
    )


def hostile_requests() -> list[Request]:
    """Return all of them, the same on every call."""
    return [*_forms(), *_batches(), *_tensors(), *_bodies()]


def _forms() -> Iterator[Request]:
    def sent(name: str, body: bytes, *statuses: int, content_type: str = FORM) -> Request:
        return Request(f"form {name}", "/predict", content_type, body, statuses)

    jpeg = good_files()["jpeg"]
    yield sent("of 10,000 files", form(*[part(b"x")] * 10_000), 400, 413)
    yield sent("of 10,000 fields", form(*[part(b"x", filename=None)] * 10_000), 400, 413)
    yield sent("of 10,000 empty parts", form(*[b""] * 10_000), 400, 413)
    yield sent("of 100,000 edges", f"--{BOUNDARY}\r\n".encode() * 100_000, 400, 413)
    yield sent("of two files", form(part(jpeg), part(jpeg)), 400, 413)
    yield sent("without a file", form(part(b"x", filename=None)), 400)
    yield sent("of nothing", b"", 400)
    yield sent("of nothing but its end", form(), 400)
    yield sent("with an empty file", form(part(b"")), 400)
    yield sent("without an end", form(part(jpeg), end=b""), 400)
    yield sent("cut in its header", form(part(jpeg))[:40], 400)
    yield sent("with another edge", form(part(jpeg)).replace(b"edge", b"hedge"), 400)
    yield sent("without an edge", form(part(jpeg)), 400, content_type="multipart/form-data")
    yield sent("with an empty edge", form(part(jpeg)), 400, content_type="multipart/form-data; boundary=")
    yield sent("with an edge of 10 kB", form(part(jpeg)), 400, content_type=f"{FORM}{'x' * 10_000}")
    yield sent("with an edge that is no text", form(part(jpeg)), 400, content_type="multipart/form-data; boundary=\xff")
    yield sent("with a header of 1 MB", form(part(jpeg, more="X-Long: " + "x" * 1_000_000 + "\r\n")), 200, 400, 413)
    yield sent("with 10,000 headers", form(part(jpeg, more="X-Many: x\r\n" * 10_000)), 200, 400, 413)
    yield sent("with a header without name", form(part(jpeg, more=": x\r\n")), 200, 400)
    yield sent("with no header", form(b"\r\n" + jpeg), 400)
    yield sent("with noise", bytes(range(256)) * 100, 400)
    yield sent("with a file's name of 100 kB", form(part(jpeg, filename="x" * 100_000)), 200, 400)
    yield sent("in a form", form(part(form(part(jpeg)), more=f"Content-Type: {FORM}2\r\n")), 400, 415)
    for name in ("../../etc/passwd", "a\\b", "CON", "%00", "\u202egpj.exe", "x" * 1000, "<script>"):
        yield sent(f"with a file called {name[:20]!r}", form(part(jpeg, filename=name)), 200)


def _batches() -> Iterator[Request]:
    jpeg = good_files()["jpeg"]
    for count, statuses in ((0, (400,)), (33, (413,)), (1000, (413,))):
        body = form(*[part(jpeg, "images[]")] * count)
        yield Request(f"batch of {count}", "/batch_predict", FORM, body, statuses)
    yield Request("batch that is none", "/batch_predict", "image/jpeg", jpeg, (400, 415))
    yield Request("batch with other names", "/batch_predict", FORM, form(part(jpeg, "pictures")), (400,))


def _tensors() -> Iterator[Request]:
    def sent(name: str, body: object) -> Request:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Request(f"tensor {name}", INFER, "application/json", data, (400, 413, 415, 422))

    good = {"name": "encoded_image", "shape": [1], "datatype": "BYTES", "data": ["/9j/"]}
    yield sent("of no JSON", b"{")
    yield sent("of nothing", b"")
    yield sent("of 100,000 brackets", b"[" * 100_000)
    yield sent("of 100,000 objects", b'{"a":' * 100_000)
    yield sent("in a list", [good])
    yield sent("without inputs", {})
    yield sent("of no inputs", {"inputs": []})
    yield sent("of two inputs", {"inputs": [good, good]})
    yield sent("with broken base64", {"inputs": [good | {"data": ["*"]}]})
    yield sent("of many bytes that are no image", {"inputs": [good | {"shape": [20], "data": ["AAAA"] * 20}]})
    yield sent("of numbers for bytes", {"inputs": [good | {"data": [1.5]}]})
    yield sent("of a number of 5000 digits", b'{"inputs": [' + b"9" * 5000 + b"]}")
    yield sent("of no number", b'{"inputs": NaN}')
    yield sent("of no text", b'{"inputs": "\xff\xfe"}')
    yield sent("of half a character", b'{"inputs": "\\ud800"}')
    for shape in ([], [-1], [0], [2], [1.0], ["1"], [2**63], [1] * 100, None, {"a": 1}):
        yield sent(f"of shape {str(shape)[:30]}", {"inputs": [good | {"shape": shape}]})
    for datatype in ("FP32", "bytes", "", None, 7, "UINT8"):
        yield sent(f"of type {datatype}", {"inputs": [good | {"datatype": datatype}]})
    pixels = {"name": "image", "datatype": "UINT8"}
    for shape in ([1, 32, 32, 3], [1, 32, 32, 4], [10**9, 32, 32, 3], [1, 32, 32], [0, 32, 32, 3]):
        yield sent(f"of pixels {shape}", {"inputs": [pixels | {"shape": shape, "data": [0] * 7}]})
    yield sent("of pixels out of range", {"inputs": [pixels | {"shape": [1, 32, 32, 3], "data": [256] * 3072}]})
    for tensor in (good, pixels | {"shape": [1, 32, 32, 3]}):  # A text's characters are texts: without end, if nested.
        for first in ("[" * 1000 + "]" * 1000, "[" * 1000 + "7" + "]" * 1000):
            head = json.dumps({**tensor, "data": []}).removesuffix("[]}")
            data = f'{{"inputs": [{head}[{first}, "{"a" * 7_000_000}"]}}]}}'.encode()
            yield sent(f"of a text beside {first[999:1001]} in 1,000 lists, {tensor['datatype']}", data)
    yield from _binary_tensors()


def _binary_tensors() -> Iterator[Request]:
    def sent(name: str, size: int, content: bytes, length: object = None) -> Request:
        said = {"name": "encoded_image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": size}}
        head = json.dumps({"inputs": [said]}).encode()
        lengths = (("Inference-Header-Content-Length", str(len(head) if length is None else length)),)
        binary = "application/octet-stream"
        return Request(f"binary tensor {name}", INFER, binary, head + content, (400, 413, 415, 422), lengths)

    jpeg = good_files()["jpeg"]
    whole = struct.pack("<I", len(jpeg)) + jpeg
    yield sent("shorter than it says", len(whole) + 1, whole)
    yield sent("longer than it says", len(whole) - 1, whole)
    yield sent("of size -1", -1, whole)
    yield sent("of size 2^63", 2**63, whole)
    yield sent("whose element is longer than all", len(whole), struct.pack("<I", 2**32 - 1) + jpeg)
    yield sent("of no bytes", 0, b"")
    for length in (0, 1, -1, 10**9, "x", "1e3", "9" * 5000):
        yield sent(f"with a header of {str(length)[:10]}", len(whole), whole, length)


def _bodies() -> Iterator[Request]:
    jpeg = good_files()["jpeg"]
    large = bytes((20 << 20) + 1)
    yield Request("body above the limit", "/predict", "image/jpeg", large, (413,))
    yield Request("form above the limit", "/batch_predict", FORM, form(part(large, "images[]")), (413,))
    yield Request("tensor above the limit", INFER, "application/json", b" " * len(large), (413,))
    for coding in ("gzip", "br", "deflate, gzip", "x"):
        yield Request(f"body in {coding}", "/predict", "image/jpeg", jpeg, (400, 415), (("Content-Encoding", coding),))
    for kind in ("", "x", "text/html; charset=\xff", "image/svg+xml", "application/json", "a/" + "b" * 5000):
        yield Request(f"body called {kind[:20]!r}", "/predict", kind, jpeg, (200,))
