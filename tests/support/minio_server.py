"""A small MinIO: its S3 is moto's server behind it, its admin API answers as the SDK expects, payloads encrypted.

Who asks is known by the access key alone, as moto checks no signature, and may do what its policies allow. As MinIO
does, it refuses a lifecycle rule that only ends unfinished uploads.
"""

import io
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from minio.crypto import decrypt, encrypt
from urllib3 import PoolManager

ADMIN, ADMIN_SECRET = "test-key", "test-secret"
ENDS = ("Expiration", "NoncurrentVersionExpiration", "Transition", "NoncurrentVersionTransition")


@dataclass
class User:
    """A user: the secret, and the names of its policies."""

    secret: str
    policies: list[str] = field(default_factory=list)


@dataclass
class FakeMinio:
    """Its users and policies, and the `name` that its answers have; `old` knows no attaching of policies."""

    upstream: int
    url: str = ""
    name: str = "MinIO"
    users: dict[str, User] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)
    administrators: tuple[str, ...] = (ADMIN,)
    old: bool = False
    no_admin_api: bool = False
    requests: list[tuple[str, str]] = field(default_factory=list)

    def knows(self, access: str) -> bool:
        return access == ADMIN or access in self.users

    def allows(self, access: str, method: str, path: str, query: str) -> bool:
        """Tell whether the policies of who asks allow a request of S3."""
        if access == ADMIN:
            return True
        action, arn = _asked(method, unquote(path.lstrip("/")), query)
        names = self.users[access].policies
        return any(_grants(s, action, arn) for name in names for s in self.policies[name]["Statement"])

    def changes(self) -> list[tuple[str, str]]:
        """Return method and path of what has changed something."""
        return [request for request in self.requests if request[0] not in ("GET", "HEAD")]

    def administer(self, method: str, command: str, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return status and answer of a command of the admin API."""
        match method, command:
            case "GET", "info-canned-policy":
                return _found(self.policies.get(query["name"]), "XMinioAdminNoSuchPolicy")
            case "PUT", "add-canned-policy":
                self.policies[query["name"]] = json.loads(body)
            case "GET", "user-info":
                user = self.users.get(query["accessKey"])
                found = user and {"policyName": ",".join(user.policies), "status": "enabled"}
                return _found(found, "XMinioAdminNoSuchUser")
            case "PUT", "add-user":
                self.users[query["accessKey"]] = User(json.loads(_plain(body))["secretKey"])
            case "DELETE", "remove-user":
                del self.users[query["accessKey"]]
            case "POST", "idp/builtin/policy/attach" if not self.old:
                asked = json.loads(_plain(body))
                self.users[asked["user"]].policies += asked["policies"]
                return 200, encrypt(json.dumps({"policiesAttached": asked["policies"]}).encode(), ADMIN_SECRET)
            case "PUT", "set-user-or-group-policy":
                self.users[query["userOrGroup"]].policies = [query["policyName"]]
            case _:
                return 404, b"404 page not found"
        return 200, b""


@contextmanager
def fake_minio(upstream: int) -> Iterator[FakeMinio]:
    """Yield a MinIO before moto's server at the port `upstream` that listens until the context ends."""
    minio = FakeMinio(upstream)
    pool = PoolManager(retries=False)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            minio.requests.append((self.command, self.path))
            if parts.path == "/minio/health/live":
                self._send(200, b"")
            elif not minio.knows(access := self._access()):
                self._send(403, _s3_error("InvalidAccessKeyId"))
            elif parts.path.startswith("/minio/admin/v3/"):
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self._administer(parts.path.removeprefix("/minio/admin/v3/"), query, body, access)
            elif not minio.allows(access, self.command, parts.path, parts.query):
                self._send(403, _s3_error("AccessDenied"))
            elif self.command == "PUT" and parts.query == "lifecycle=" and not _acceptable(body):
                self._send(400, _s3_error("MalformedXML"))
            else:
                self._forward(body)

        def _administer(self, command: str, query: dict[str, str], body: bytes, access: str) -> None:
            if minio.no_admin_api:
                self._send(404, b"404 page not found")
            elif access not in minio.administrators:
                self._send(403, json.dumps({"Code": "AccessDenied", "Message": "Access Denied."}).encode())
            else:
                self._send(*minio.administer(self.command, command, query, body))

        def _access(self) -> str:
            found = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
            return found[1] if found else ""

        def _forward(self, body: bytes) -> None:
            url = f"http://127.0.0.1:{minio.upstream}{self.path}"
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = pool.request(self.command, url, body=body, headers=headers)
            kept = {name: answer.headers[name] for name in ("Content-Type", "ETag") if name in answer.headers}
            self._send(answer.status, answer.data, kept)

        def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response_only(status)
            self.send_header("Server", minio.name)
            for name, value in {"Content-Type": "application/xml", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  # http.server's names.

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    minio.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield minio
    finally:
        server.shutdown()
        server.server_close()
        pool.clear()


def _asked(method: str, path: str, query: str) -> tuple[str, str]:
    """Return the action and the resource of a request, in the words of a policy."""
    bucket, _, key = path.partition("/")
    if not key:
        return f"s3:{'ListBucket' if method in ('GET', 'HEAD') else method}", f"arn:aws:s3:::{bucket}"
    of_upload = "s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject"
    actions = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "DELETE": of_upload}
    return actions.get(method, "s3:PutObject"), f"arn:aws:s3:::{bucket}/{key}"


def _grants(statement: Mapping[str, Any], action: str, arn: str) -> bool:
    return action in statement["Action"] and any(fnmatchcase(arn, pattern) for pattern in statement["Resource"])


def _acceptable(body: bytes) -> bool:
    root = ElementTree.fromstring(body)  # noqa: S314  # What a test has sent.
    rules = [rule for rule in root if rule.tag.endswith("Rule")]
    return all(any(element.tag.rpartition("}")[2] in ENDS for element in rule) for rule in rules)


def _found(value: Any, code: str) -> tuple[int, bytes]:
    if value is None:
        return 404, json.dumps({"Code": code, "Message": "it does not exist"}).encode()
    return 200, json.dumps(value).encode()


def _s3_error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code} by the test</Message></Error>".encode()


class _Body(io.BytesIO):
    def release_conn(self) -> None: ...


def _plain(body: bytes) -> bytes:
    return decrypt(_Body(body), ADMIN_SECRET)
