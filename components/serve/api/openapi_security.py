"""What the OpenAPI document says where bearer tokens are asked for."""

from collections.abc import Callable

from components.serve.api.openapi import Schema, refusals

METHODS = ("get", "post")


def with_tokens(document: Schema, is_public: Callable[[str], bool]) -> Schema:
    """Return `document` with a token asked for on every path that is not public."""
    schemes = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    paths = {path: item if is_public(path) else _guarded(path, item) for path, item in document["paths"].items()}
    return {**document, "paths": paths, "components": {**document["components"], "securitySchemes": schemes}}


def _guarded(path: str, item: Schema) -> Schema:
    answers = refusals("V2Error" if path.startswith("/v2") else "Error", 400, 401, 403, 503)
    return {
        name: {**value, "security": [{"bearer": []}], "responses": {**answers, **value["responses"]}}
        if name in METHODS
        else value
        for name, value in item.items()
    }
