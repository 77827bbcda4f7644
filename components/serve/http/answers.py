"""JSON answers; orjson, as it is several times faster than json and holds the other threads up for as much less."""

from collections.abc import Mapping

import orjson
from starlette.responses import Response


def json_answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `content` as a JSON answer."""
    return Response(orjson.dumps(content), status, dict(headers or {}), "application/json")
