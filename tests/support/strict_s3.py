"""A small S3 server, strict as real ones are: it checks keys, signatures, region, clock, rights and bucket."""

import calendar
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.kfp_server import ManyAtOnce, listening

KEY, SECRET = "AKIASTRICT", "a-secret-key-that-nobody-reads"
REFUSAL = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{said}</Message>{more}</Error>"
MOST_SKEW = 15 * 60


@dataclass
class StrictS3:
    """One bucket of objects in `region`, by a clock `skew` seconds ahead; `forbidden` are methods that no key may."""

    url: str = ""
    region: str = "us-east-1"
    skew: float = 0.0
    bucket: str = "pawline"
    objects: dict[str, bytes] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()
    expired_session: str = ""
    repeats: bool = False  # Whether its refusals say what they were given, and what they should have been.
    page: bytes = b""  # What it answers instead, as a console would.

    def refusal(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, str] | None:
        """Return status, code and more of why the request is refused, None where it is not."""
        words = headers.get("authorization", "").partition(" ")[2].split(",")
        given = dict(word.strip().partition("=")[::2] for word in words)
        key, _, region = (given.get("Credential", "") + "///").split("/")[:3]
        if key != KEY:
            return 403, "InvalidAccessKeyId" if key else "AccessDenied", ""
        if self.expired_session and headers.get("x-amz-security-token") == self.expired_session:
            return 400, "ExpiredToken", ""
        if region != self.region:
            return 400, "AuthorizationHeaderMalformed", f"<Region>{self.region}</Region>"
        sent = calendar.timegm(time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
        if abs(sent - time.time() - self.skew) > MOST_SKEW:
            return 403, "RequestTimeTooSkewed", ""
        if given.get("Signature") != _signature(
            method, self.url + path, headers, given.get("SignedHeaders", ""), region
        ):
            return 403, "SignatureDoesNotMatch", ""
        if method in self.forbidden:
            return 403, "AccessDenied", ""
        return (404, "NoSuchBucket", "") if urlsplit(path).path.split("/")[1] != self.bucket else None

    def listing(self, prefix: str) -> str:
        """Return the answer to list_objects_v2."""
        found = [name for name in sorted(self.objects) if name.startswith(prefix)]
        rows = "".join(
            f"<Contents><Key>{n}</Key><Size>{len(self.objects[n])}</Size><ETag>e</ETag></Contents>" for n in found
        )
        return f"<ListBucketResult><KeyCount>{len(found)}</KeyCount>{rows}</ListBucketResult>"


def _signature(method: str, url: str, headers: dict[str, str], signed: str, region: str) -> str:
    request = AWSRequest(method, url, headers={name: headers[name] for name in signed.split(";") if name in headers})
    request.context["timestamp"] = headers["x-amz-date"]
    request.context["payload_signing_enabled"] = True
    auth = _OfRequest(Credentials(KEY, SECRET), "s3", region)
    auth.hash = headers.get("x-amz-content-sha256", "")
    return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)


class _OfRequest(S3SigV4Auth):
    hash = ""

    def payload(self, request: AWSRequest) -> str:
        return self.hash


@contextmanager
def strict_s3(tls: ssl.SSLContext | None = None, **settings) -> Iterator[StrictS3]:
    """Yield a server with such `settings` until the context ends, one that speaks TLS if it has what it takes."""
    store = StrictS3(**settings)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length") or 0))
            if store.page:
                return self._send(200, store.page, "text/html")
            if refusal := store.refusal(self.command, self.path, headers, body):
                status, code, more = refusal
                return self._send(
                    status,
                    REFUSAL.format(
                        code=code,
                        said=f"{code} of {headers} {SECRET}" if store.repeats else f"{code} of the test",
                        more=more,
                    ).encode(),
                )
            return self._act(urlsplit(self.path), body)

        def _act(self, parts, body: bytes) -> None:
            name = unquote(parts.path).split("/", 2)[2] if parts.path.count("/") > 1 else ""
            if self.command == "PUT":
                store.objects[name] = body
            if self.command == "DELETE":
                store.objects.pop(name, None)
            listing = store.listing(dict(parse_qsl(parts.query)).get("prefix", "")) if self.command == "GET" else ""
            self._send(204 if self.command == "DELETE" else 200, listing.encode())

        def _send(self, status: int, data: bytes, kind: str = "application/xml") -> None:
            self.send_response_only(status)
            self.send_header("Date", formatdate(time.time() + store.skew, usegmt=True))
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_) -> None: ...

        do_GET = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815  # http.server's names.

    server = ManyAtOnce(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with listening(server) as port:
        store.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        yield store
