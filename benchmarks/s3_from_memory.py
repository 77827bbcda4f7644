"""S3 from memory, quick enough not to be what a measurement of its clients measures; it asks for no signature.

`python -m benchmarks.s3_from_memory SECONDS` prints its port, answers each request SECONDS after it has arrived and
ends when its standard input closes. It knows objects, parts of uploads, ranges, conditions and listings.
"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import httptools
import uvloop

from components.storage.verification import md5, multipart_etag

MOST_KEYS = 1000
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
WRITTEN = formatdate(0, usegmt=True)


@dataclass(frozen=True)
class Answer:
    status: str = "200 OK"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    size: int | None = None  # Of a body that HEAD leaves out.


class Objects:
    """Bytes and ETag by bucket and key, and the parts of uploads that are not complete."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[bytes, str]] = {}
        self._parts: dict[str, dict[int, bytes]] = {}

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        place, query = unquote(parts.path).strip("/"), parse_qs(parts.query, keep_blank_values=True)
        match method:
            case "GET" | "HEAD" if "/" in place:
                return self._read(place, headers, method == "HEAD")
            case "GET":
                return _xml(self._listing(place, query))
            case "PUT" | "POST" if "/" in place:
                return self._write(place, query, body)
            case "DELETE":
                self._found.pop(place, None)
                return Answer("204 No Content")
        return Answer()

    def _read(self, place: str, headers: Mapping[str, str], head: bool) -> Answer:
        if place not in self._found:
            said = f"{_XML}<Error><Code>NoSuchKey</Code></Error>".encode()
            return Answer("404 Not Found", body=b"" if head else said)
        data, etag = self._found[place]
        if headers.get("if-match", etag) != etag:
            return Answer("412 Precondition Failed")
        named = {"ETag": etag, "Last-Modified": WRITTEN, "Accept-Ranges": "bytes"}
        if span := headers.get("range"):
            first, _, last = span.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(data)) + 1, len(data))
            named["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
            return Answer("206 Partial Content", named, data[start:end])
        return Answer(headers=named, body=b"" if head else data, size=len(data))

    def _write(self, place: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        if "uploads" in query:
            self._parts[place] = {}
            return _xml(f"<InitiateMultipartUploadResult><UploadId>{place}</UploadId></InitiateMultipartUploadResult>")
        etag = f'"{md5(body).hex()}"'
        if "partNumber" in query:
            self._parts[place][int(query["partNumber"][0])] = body
        elif "uploadId" in query:
            parts = [part for _, part in sorted(self._parts.pop(place).items())]
            etag = f'"{multipart_etag([md5(part) for part in parts])}"'
            self._found[place] = b"".join(parts), etag
            return _xml(f"<CompleteMultipartUploadResult><ETag>{escape(etag)}</ETag></CompleteMultipartUploadResult>")
        else:
            self._found[place] = body, etag
        return Answer(headers={"ETag": etag})

    def _listing(self, bucket: str, query: Mapping[str, list[str]]) -> str:
        prefix, after = (query.get(name, [""])[0] for name in ("prefix", "continuation-token"))
        keys = sorted(name.removeprefix(f"{bucket}/") for name in self._found if name.startswith(f"{bucket}/{prefix}"))
        left = [key for key in keys if key > after]
        rows = "".join(self._row(bucket, key) for key in left[:MOST_KEYS])
        cut = "<IsTruncated>false</IsTruncated>"
        if len(left) > MOST_KEYS:
            token = f"<NextContinuationToken>{escape(left[MOST_KEYS - 1])}</NextContinuationToken>"
            cut = f"<IsTruncated>true</IsTruncated>{token}"
        return f"<ListBucketResult {_XMLNS}><Name>{bucket}</Name>{cut}{rows}</ListBucketResult>"

    def _row(self, bucket: str, key: str) -> str:
        data, etag = self._found[f"{bucket}/{key}"]
        facts = f"<LastModified>1970-01-01T00:00:00.000Z</LastModified><ETag>{escape(etag)}</ETag>"
        return f"<Contents><Key>{escape(key)}</Key>{facts}<Size>{len(data)}</Size></Contents>"


def _xml(text: str) -> Answer:
    return Answer(headers={"Content-Type": "application/xml"}, body=f"{_XML}{text}".encode())


class Exchange(asyncio.Protocol):
    """One connection."""

    def __init__(self, objects: Objects, delay: float) -> None:
        self._objects, self._delay = objects, delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._parser = transport, httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self._target = url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        if "expect" in self._headers:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method, body = self._parser.get_method().decode(), b"".join(self._body)
        answer = self._objects.answer(method, self._target, self._headers, body)
        asyncio.get_running_loop().call_later(self._delay, self._send, answer)

    def _send(self, answer: Answer) -> None:
        size = len(answer.body) if answer.size is None else answer.size
        lines = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        head = f"HTTP/1.1 {answer.status}\r\nContent-Length: {size}\r\n{lines}\r\n"
        self._transport.write(head.encode())
        self._transport.write(answer.body)


async def serve(delay: float) -> None:
    """Serve until standard input closes."""
    loop, objects = asyncio.get_running_loop(), Objects()
    server = await loop.create_server(lambda: Exchange(objects, delay), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1])))
