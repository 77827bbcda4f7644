"""What operators and programs ask: health, metadata, metrics, the API's description."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from components import VERSION
from components.dataset.images import FORMATS, MAX_SIDE
from components.inference.model import Model
from components.serve.admission.middleware import is_public
from components.serve.api.openapi import openapi_document
from components.serve.api.openapi_security import with_tokens
from components.serve.http.answers import json_answer
from components.serve.work.metrics import CONTENT_TYPE
from components.serve.work.service import Service


async def health(request: Request) -> Response:
    """Answer that the process lives, and whether it is ready."""
    return json_answer({"status": "ready" if request.app.state.service.ready else "live"})


async def metadata(request: Request) -> Response:
    """Answer what is served, and within which limits."""
    service: Service = request.app.state.service
    return json_answer(facts(service, service.model))


async def metrics(request: Request) -> Response:
    """Answer Prometheus."""
    return Response(request.app.state.service.metrics.text(), headers={"Content-Type": CONTENT_TYPE})


async def openapi(request: Request) -> Response:
    """Answer the OpenAPI document."""
    service: Service = request.app.state.service
    document = openapi_document(VERSION, service.settings)
    return json_answer(with_tokens(document, is_public) if request.app.state.asks_for_tokens else document)


def facts(service: Service, model: Model) -> dict[str, Any]:
    """Return what the manifest says of `model`, its identity, its engine, and the service's limits."""
    settings = service.settings
    described = {name: value for name, value in model.manifest.as_json().items() if name != "files"}
    limits = ("max_body_bytes", "max_pixels", "max_batch", "queue")
    return {
        "model": model.identity,
        **described,
        "engine": {"name": model.engine.name, "version": model.engine.version, "workers": service.pool.workers},
        "limits": {
            **{name: getattr(settings, name) for name in limits},
            "max_side": MAX_SIDE,
            "timeout_seconds": settings.timeout,
        },
        "formats": sorted(FORMATS),
    }
