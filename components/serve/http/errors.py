"""How a request can end other than with a prediction, and the one shape such an answer has."""

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.step.errors import one_line

JSON = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success: HTTP `status`, a `code` for programs, a `message` for people, extra `headers`."""

    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)


class RequestRefused(Exception):
    """Ends a request with `refusal`."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Refuse with HTTP `status`; `message` may quote what the client sent."""
        self.refusal = Refusal(status, code, one_line(message, 500), dict(headers or {}))
        super().__init__(self.refusal.message)


def bad_request(message: str) -> RequestRefused:
    """Return the refusal of a malformed request."""
    return RequestRefused(400, "bad_request", message)


def too_large(message: str) -> RequestRefused:
    """Return the refusal of a request above a limit."""
    return RequestRefused(413, "too_large", message)


def busy(code: str, message: str) -> RequestRefused:
    """Return the refusal of a request that may succeed a second later."""
    return RequestRefused(503, code, message, {"Retry-After": "1"})


def overloaded(what: str) -> RequestRefused:
    """Return the refusal of a request there is no room for; `what` is what there is too much of."""
    return busy("overloaded", f"Too many {what} wait already. Try again a little later.")


def shown(value: object) -> str:
    """Return `value` of a request for a message; of lists and objects, which may be large, only what they are."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, dict) else reprlib.repr(value)


def body_of(refusal: Refusal, request_id: str, path: str) -> JSON:
    """Return the JSON that says `refusal` to whoever asked for `path`.

    The Open Inference Protocol, under `/v2`, has a text in `error`, which its clients show.
    """
    if path == "/v2" or path.startswith("/v2/"):
        return {"error": refusal.message}
    return {"error": item_error(refusal), "request_id": request_id}


def item_error(refusal: Refusal) -> JSON:
    """Return `refusal` as JSON within an answer."""
    return {"code": refusal.code, "message": refusal.message}
