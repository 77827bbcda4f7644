"""The application: its routes, and how requests end that are refused or fail."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from components.serve.admission.gate import Gate
from components.serve.admission.middleware import CLIENT_GONE, Envelope, refusal_answer
from components.serve.api import operations
from components.serve.api import simple as simple_api
from components.serve.auth.authorization import Authorization
from components.serve.http.errors import Refusal, RequestRefused
from components.serve.oip import routes as open_inference
from components.serve.page import routes as page_routes
from components.serve.work.service import Service

CODES = {404: "not_found", 405: "method_not_allowed"}


def make_app(service: Service, authorization: Authorization | None = None) -> Gate:
    """Return the ASGI application of `service`; requests must pass `authorization` where there is one."""
    app = Starlette(
        routes=[*_routes(), *(page_routes.routes() if service.settings.page else [])],
        exception_handlers={
            RequestRefused: _refused,
            HTTPException: _http_exception,
            ClientDisconnect: _client_gone,
            Exception: _failed,
        },
    )
    app.router.redirect_slashes = False
    app.state.service, app.state.asks_for_tokens = service, authorization is not None
    # Whatever is posted takes a place among the images that wait.
    posting = [route for route in app.routes if isinstance(route, Route) and "POST" in (route.methods or ())]
    return Gate(Envelope(app, service, authorization), service, posting)


def _routes() -> Iterable[Route]:
    model = "/v2/models/{name}"
    yield Route("/predict", simple_api.predict, methods=["POST"])
    yield Route("/batch_predict", simple_api.batch_predict, methods=["POST"])
    yield Route("/health", operations.health)
    yield Route("/metadata", operations.metadata)
    yield Route("/metrics", operations.metrics)
    yield Route("/openapi.json", operations.openapi)
    yield Route("/v2", open_inference.server_metadata)
    yield Route("/v2/health/live", open_inference.live)
    yield Route("/v2/health/ready", open_inference.ready)
    for prefix in (model, f"{model}/versions/{{version}}"):
        yield Route(prefix, open_inference.model_metadata)
        yield Route(f"{prefix}/ready", open_inference.model_ready)
        yield Route(f"{prefix}/infer", open_inference.infer, methods=["POST"])


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestRefused):
        raise error
    return refusal_answer(request, error.refusal)


async def _http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = CODES.get(error.status_code, "bad_request")
    return refusal_answer(request, Refusal(error.status_code, code, f"{error.detail}.", dict(error.headers or {})))


async def _client_gone(request: Request, error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _failed(request: Request, error: Exception) -> Response:
    message = "The server failed on this request. Its log says why, under the request's id."
    return refusal_answer(request, Refusal(500, "internal", message))
