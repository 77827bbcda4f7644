"""The application without a server: who may pass, what its description says, what a defect looks like from outside."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.routing import Mount

from components.inference.model import load_model
from components.serve.app import make_app
from components.serve.http.errors import Refusal
from components.serve.settings import Settings
from components.serve.work.service import Service
from tests.support.serving import colour_bundle

PROBES = ["/health", "/v2/health/live", "/v2/health/ready", "/metrics", "/openapi.json", "/"]
GUARDED = ["/metadata", "/v2", "/v2/models/classifier", "/examples", "/card", "/dashboard", "/nowhere"]


class NoToken:
    """Lets nobody pass."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def check(self, authorization_header: str | None) -> Refusal | None:
        return (
            None
            if authorization_header == "Bearer good"
            else Refusal(401, "unauthorized", "No token.", {"WWW-Authenticate": "Bearer"})
        )


@pytest.fixture
def service(tmp_path: Path) -> Service:
    made = Service(Settings(workers=1, access_log=False))
    made.put_into_service(load_model(colour_bundle(tmp_path / "bundle"), "classifier", "", 1))
    return made


def asked(app: Any, method: str, path: str, headers: dict[str, str] | None = None, read: list[bool] | None = None):
    """Return status, headers and body of the answer; `read` gets an entry when the body is asked for."""
    sent: list[dict[str, Any]] = []
    asked_for = [] if read is None else read

    async def receive() -> dict[str, Any]:
        if asked_for:
            await asyncio.Event().wait()  # This client stays.
        asked_for.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    packed = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "scheme": "http", "root_path": "", "query_string": b"", "headers": packed,
        "server": ("test", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


def test_with_authorization_on_only_the_probes_and_the_page_are_open(service):
    app = make_app(service, NoToken())
    for path in PROBES:
        assert asked(app, "GET", path)[0] == 200, path
    for path in GUARDED:
        status, headers, body = asked(app, "GET", path)
        assert (status, headers["www-authenticate"], headers["x-content-type-options"]) == (401, "Bearer", "nosniff")
        error = json.loads(body)["error"]
        assert error == "No token." if path.startswith("/v2") else error["code"] == "unauthorized"
    for path in ("/predict", "/batch_predict", "/model_input", "/v2/models/classifier/infer"):
        read: list[bool] = []
        assert asked(app, "POST", path, read=read)[0] == 401
        assert not read  # No body is taken from who may not pass.
    assert asked(app, "GET", "/metadata", {"Authorization": "Bearer good"})[0] == 200


@pytest.mark.parametrize("path", ["//metadata", "/health/../metadata", "/page/../metadata", "/page/%2e%2e/metadata"])
def test_no_spelling_of_a_path_leads_past_the_authorization(service, path):
    status, _, body = asked(make_app(service, NoToken()), "GET", path)
    assert status in (401, 404)
    assert b"class_names" not in body


def test_before_there_is_a_model_it_lives_and_is_not_ready():
    app = make_app(Service(Settings(workers=1, access_log=False)))
    assert asked(app, "GET", "/v2/health/live")[0] == 200
    assert asked(app, "GET", "/v2/health/ready")[0] == 503
    assert json.loads(asked(app, "GET", "/health")[2]) == {"status": "live"}
    status, headers, body = asked(app, "POST", "/predict")
    assert (status, headers["retry-after"], json.loads(body)["error"]["code"]) == (503, "1", "not_ready")


def test_a_defect_is_a_500_that_tells_nothing_and_a_traceback_in_the_log(service, monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(service.model.engine, "run", broken)
    monkeypatch.setattr("components.serve.work.service.network_input", lambda *_: np.zeros((32, 32, 3), np.uint8))
    status, headers, body = asked(make_app(service), "POST", "/predict", {"X-Request-Id": "look-here"})
    assert (status, json.loads(body)["error"]["code"]) == (500, "internal")
    assert b"secret" not in body
    assert headers["x-content-type-options"] == "nosniff"
    said = capsys.readouterr().err
    assert "request look-here" in said
    assert "a secret of the inside" in said


def test_the_description_names_every_route_and_nothing_else(service):
    app = make_app(service)
    document = json.loads(asked(app, "GET", "/openapi.json")[2])
    hidden = {"/", "/docs", "/openapi.json"}
    routes = {route.path: route.methods - {"HEAD"} for route in app._app._app.routes if not isinstance(route, Mount)}
    described = {
        path.replace("{index}", "{index:int}"): {name.upper() for name in item if name != "parameters"}
        for path, item in document["paths"].items()
    }
    assert described == {path: methods for path, methods in routes.items() if path not in hidden}
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def test_the_description_asks_for_a_token_where_the_server_does(service):
    document = json.loads(asked(make_app(service, NoToken()), "GET", "/openapi.json")[2])
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    asks = {path: [method for method in item.values() if "security" in method] for path, item in operations(document)}
    assert {path for path, methods in asks.items() if not methods} == set(PROBES) - {"/", "/openapi.json"}
    assert all({"401", "403"} <= set(method["responses"]) for methods in asks.values() for method in methods)
    assert "securitySchemes" not in json.loads(asked(make_app(service), "GET", "/openapi.json")[2])["components"]


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path, {name: value for name, value in item.items() if name in ("get", "post")})
        for path, item in document["paths"].items()
    ]


def test_the_description_of_the_limits_is_that_of_the_settings(tmp_path):
    app = make_app(Service(Settings(workers=1, max_batch=5, page=False, access_log=False)))
    document = json.loads(asked(app, "GET", "/openapi.json")[2])
    assert "/examples" not in document["paths"]
    form = document["paths"]["/batch_predict"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["images[]"]["maxItems"] == 5


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for item in value.values() for found in references(item)]
    return [found for item in value for found in references(item)] if isinstance(value, list) else []


def test_the_engine_tells_nobody_that_it_is_used():
    code = "import sys; from components.inference.openvino_engine import _runtime; _runtime(); print([*sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'openvino'" in done.stdout
    assert "telemetry" not in done.stdout
