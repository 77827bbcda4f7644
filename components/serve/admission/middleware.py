"""What every request goes through: its id, the check of its token, security headers, metrics, one line in the log."""

import re
import sys
import traceback
from collections.abc import Mapping
from random import getrandbits
from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from components.serve.admission.cross_origin import CrossOrigin
from components.serve.auth.authorization import Authorization
from components.serve.http.access_log import log_request
from components.serve.http.answers import json_answer
from components.serve.http.errors import Refusal, body_of
from components.serve.work.service import Service

# Open to all even where tokens are asked for: probes, what they are asked by, and the page's own files.
PUBLIC = {"/", "/docs", "/health", "/v2/health/live", "/v2/health/ready", "/metrics", "/openapi.json"}
PUBLIC_FOLDER = "/page/"
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
CLIENT_GONE = 499  # nginx's number, for the log alone.


class Envelope:
    """Around every request: its id, the check of its token, security headers, metrics, one line in the log."""

    def __init__(self, app: ASGIApp, service: Service, authorization: Authorization | None) -> None:
        """Guard `app`."""
        self._app, self._service, self._authorization = app, service, authorization
        self._cross_origin = CrossOrigin(service.settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = _header(scope, b"origin")
        exchange = _Exchange(scope, send, self._cross_origin.headers(origin))
        scope.setdefault("state", {})["request_id"] = exchange.request_id
        try:
            if asked := self._cross_origin.preflight(scope, origin):
                await _no_content(asked, exchange.send)
            else:
                await self._answer(scope, receive, exchange.send)
        except Exception:
            # The answer has been sent by _failed; what happened is for the log alone.
            print(f"request {exchange.request_id}\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        finally:
            self._record(scope, exchange)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._authorization and not is_public(scope["path"]):
            refusal = await self._authorization.check(_header(scope, b"authorization"))
            if refusal:
                await refusal_answer(Request(scope), refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _record(self, scope: Scope, exchange: "_Exchange") -> None:
        seconds = perf_counter() - exchange.began
        # Paths that clients make up must not make new time series.
        self._service.metrics.answered(getattr(scope.get("route"), "path", "other"), exchange.status, seconds)
        if scope["state"].get("refused"):
            self._service.metrics.rejected(scope["state"]["refused"])
        if self._service.settings.access_log:
            log_request(exchange.facts(seconds))


async def _no_content(headers: Mapping[bytes, bytes], send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": list(headers.items())})
    await send({"type": "http.response.body"})


class _Exchange:
    """What is known of one request and its answer."""

    def __init__(self, scope: Scope, send: Send, more_headers: Mapping[bytes, bytes]) -> None:
        self.began = perf_counter()
        self.status = CLIENT_GONE
        self._headers = {**HEADERS, **more_headers} if more_headers else HEADERS
        self._scope, self._send, self._sent = scope, send, 0
        self.request_id = _request_id(_header(scope, b"x-request-id"))

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # As bytes, which Starlette has in lower case already: every request pays for this.
            headers = [*(self._headers | dict(message["headers"])).items(), (b"x-request-id", self.request_id.encode())]
            message["headers"] = headers
        else:
            self._sent += len(message.get("body", b""))
        await self._send(message)

    def facts(self, seconds: float) -> Mapping[str, object]:
        scope = self._scope
        return {
            "request_id": self.request_id,
            "client": scope["client"][0] if scope.get("client") else None,
            "method": scope["method"],
            "path": scope["path"][:500],
            "status": self.status,
            "refused": scope["state"].get("refused"),
            "bytes_received": _number(_header(scope, b"content-length")),
            "bytes_sent": self._sent,
            "seconds": round(seconds, 6),
        }


def _header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of `name`, which is in lower case; Starlette's Headers take several times as long."""
    return next((value.decode("latin-1") for header, value in scope["headers"] if header == name), None)


def _request_id(given: str | None) -> str:
    # Numbers that only need to differ: uuid4 asks the system for its best ones.
    return given if given and _REQUEST_ID.fullmatch(given) else f"{getrandbits(128):032x}"


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def is_public(path: str) -> bool:
    """Tell whether `path` is open to all even where tokens are asked for."""
    return path in PUBLIC or path.startswith(PUBLIC_FOLDER)


def refusal_answer(request: Request, refusal: Refusal) -> Response:
    """Return the answer to `request` that says `refusal`."""
    request.state.refused = refusal.code
    body = body_of(refusal, request.state.request_id, request.url.path)
    return json_answer(body, refusal.status, refusal.headers)
