"""Cross-origin requests: none, unless a setting names the pages that may ask. Source: the Fetch standard, 3.3."""

from collections.abc import Mapping

from starlette.types import Scope

ANY = "*"
_METHODS = b"GET, POST"
_ASKED = b"Authorization, Content-Type, Content-Encoding, X-Request-Id, Inference-Header-Content-Length"
_SHOWN = b"X-Request-Id, Retry-After, Inference-Header-Content-Length"
_KEPT_SECONDS = b"600"


class CrossOrigin:
    """Which pages of other origins may read answers; cookies are never involved, so that `*` gives nothing away."""

    def __init__(self, origins: str) -> None:
        """Allow `origins`, separated by spaces, `*` for all, none if empty."""
        self._origins = frozenset(origins.split())

    def headers(self, origin: str | None) -> Mapping[bytes, bytes]:
        """Return the headers of every answer to a request from `origin`."""
        if not self._origins:
            return {}
        if ANY in self._origins:
            return {b"access-control-allow-origin": b"*", b"access-control-expose-headers": _SHOWN}
        vary = {b"vary": b"Origin"}
        if origin not in self._origins:
            return vary
        allowed = {b"access-control-allow-origin": origin.encode("latin-1"), b"access-control-expose-headers": _SHOWN}
        return vary | allowed

    def preflight(self, scope: Scope, origin: str | None) -> Mapping[bytes, bytes] | None:
        """Return the further headers of the answer to a browser that asks before it asks, None for what is no such."""
        asks = scope["method"] == "OPTIONS" and any(n == b"access-control-request-method" for n, _ in scope["headers"])
        if not asks or not (ANY in self._origins or origin in self._origins):
            return None
        return {
            b"access-control-allow-methods": _METHODS,
            b"access-control-allow-headers": _ASKED,
            b"access-control-max-age": _KEPT_SECONDS,
        }
