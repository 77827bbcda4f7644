"""The page and what it asks for beside predictions: examples, the picture as the model sees it, card, dashboard."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from components.inference.model import Model
from components.serve.api.operations import facts
from components.serve.api.simple import only_image
from components.serve.http.answers import json_answer
from components.serve.page.dashboard import dashboard
from components.serve.work.service import Service

PAGE = Path(__file__).parent / "static"
HEADERS = {
    "Cache-Control": "no-cache",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    ),
}


def routes() -> list[BaseRoute]:
    """Return the page's routes."""
    return [
        Route("/", _index),
        Route("/docs", _docs),
        Mount("/page", _PageFiles(directory=PAGE)),
        Route("/examples", _examples),
        Route("/examples/{index:int}.png", _example),
        Route("/model_input", _model_input, methods=["POST"]),
        Route("/card", _card),
        Route("/dashboard", _dashboard),
    ]


class _PageFiles(StaticFiles):
    """The page's files, which may run scripts of this server and nothing else."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


async def _index(request: Request) -> Response:
    return FileResponse(PAGE / "index.html", headers=HEADERS)


async def _docs(request: Request) -> Response:
    # Where those look who know other servers of this kind; relative, as a proxy may serve this below another path.
    is_below = request.scope["raw_path"].endswith(b"/")
    return RedirectResponse("../#api" if is_below else "./#api", headers=HEADERS)


async def _examples(request: Request) -> Response:
    model: Model = request.app.state.service.model
    return json_answer({"examples": [_described(model, index) for index in range(len(model.golden.images))]})


def _described(model: Model, index: int) -> dict[str, Any]:
    height, width = model.golden.images[index].shape[:2]
    place = {"index": index, "url": f"examples/{index}.png", "width": width, "height": height}
    return {**place, **model.described(model.golden.probabilities[index])}


async def _example(request: Request) -> Response:
    service: Service = request.app.state.service
    images, index = service.model.golden.images, request.path_params["index"]
    if index >= len(images):
        raise HTTPException(404, f"There are {len(images)} examples")
    with service.pool.admitted():
        return _png_answer(await service.pool.run(lambda: _png(images[index])))


async def _model_input(request: Request) -> Response:
    service: Service = request.app.state.service
    async with service.job(request) as job:
        return _png_answer(await job.run(lambda job: _png(job.picture(only_image(job.body, request.headers)))))


async def _card(request: Request) -> Response:
    service: Service = request.app.state.service
    return json_answer(facts(service, service.model))


async def _dashboard(request: Request) -> Response:
    service: Service = request.app.state.service
    model = service.model
    with service.pool.admitted():
        return json_answer(await service.pool.run(lambda: dashboard(model.manifest, model.golden)))


def _png(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _png_answer(data: bytes) -> Response:
    return Response(data, media_type="image/png")
