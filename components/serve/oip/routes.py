"""The Open Inference Protocol v2: health, metadata and `infer`, for `tritonclient`, `kserve` and their kin."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from components import VERSION
from components.inference.model import Model
from components.serve.http.answers import json_answer
from components.serve.http.errors import RequestRefused
from components.serve.oip.request import ENCODED_IMAGE, IMAGE, InferenceRequest, Output, read_request
from components.serve.oip.tensors import binary_of
from components.serve.work.service import Job, Service

HEADER_LENGTH = "Inference-Header-Content-Length"


async def live(request: Request) -> Response:
    """Answer whether the process lives."""
    return json_answer({"live": True})


async def ready(request: Request) -> Response:
    """Answer whether requests are answered."""
    is_ready = request.app.state.service.ready
    return json_answer({"ready": is_ready}, 200 if is_ready else 503)


async def server_metadata(request: Request) -> Response:
    """Answer what this server is."""
    return json_answer({"name": "pawline", "version": VERSION, "extensions": ["binary_tensor_data"]})


async def model_metadata(request: Request) -> Response:
    """Answer what the model takes and gives."""
    model = _named(request)
    side, classes = model.manifest.image_size, len(model.class_names)
    return json_answer(
        {
            "name": model.name,
            "versions": [model.version],
            "platform": f"pawline_{model.engine.name}",
            "inputs": [
                {"name": IMAGE, "datatype": "UINT8", "shape": [-1, side, side, 3]},
                {"name": ENCODED_IMAGE, "datatype": "BYTES", "shape": [-1]},
            ],
            "outputs": [
                {"name": "probabilities", "datatype": "FP32", "shape": [-1, classes]},
                {"name": "class", "datatype": "BYTES", "shape": [-1]},
            ],
        }
    )


async def model_ready(request: Request) -> Response:
    """Answer whether the model answers."""
    model, is_ready = _named(request), request.app.state.service.ready
    return json_answer({"name": model.name, "ready": is_ready}, 200 if is_ready else 503)


async def infer(request: Request) -> Response:
    """Answer with the outputs asked for, of one or more images."""
    service: Service = request.app.state.service
    _named(request)
    async with service.job(request) as job:
        asked = await job.run(lambda job: _read(job, request.headers.get(HEADER_LENGTH)))
        rows = await job.run_each(
            lambda job, index: _row(job, index, asked.images[index]), list(range(len(asked.images)))
        )
        return _answer(job.model, asked, np.stack(rows))


def _read(job: Job, header_length: str | None) -> InferenceRequest:
    return read_request(job.body, header_length, job.model.manifest.image_size, job.service.settings.max_batch)


def _named(request: Request) -> Model:
    model: Model = request.app.state.service.model
    name, version = request.path_params["name"], request.path_params.get("version", model.version)
    if (name, version) != (model.name, model.version):
        message = f"The model must be {model.name}, version {model.version}. Received: {name}, version {version}."
        raise RequestRefused(404, "not_found", message)
    return model


def _row(job: Job, index: int, image: bytes | NDArray[np.uint8]) -> NDArray[np.float32]:
    try:
        return job.probabilities(job.picture(image) if isinstance(image, bytes) else image)
    except RequestRefused as refused:
        found = refused.refusal
        raise RequestRefused(found.status, found.code, f"Image {index}: {found.message}", found.headers) from refused


def _answer(model: Model, asked: InferenceRequest, probabilities: NDArray[np.float32]) -> Response:
    classes = [model.class_names[index] for index in probabilities.argmax(axis=1)]
    described, binaries = [], []
    for output in asked.outputs:
        values: NDArray[np.float32] | Sequence[str] = probabilities if output.name == "probabilities" else classes
        tensor, binary = _tensor(output, values)
        described.append(tensor)
        binaries.append(binary)
    answer: dict[str, Any] = {"model_name": model.name, "model_version": model.version, "outputs": described}
    head = orjson.dumps({**answer, "id": asked.id} if asked.id is not None else answer)
    if not any(output.binary for output in asked.outputs):
        return Response(head, media_type="application/json")
    headers = {HEADER_LENGTH: str(len(head))}
    return Response(b"".join([head, *binaries]), headers=headers, media_type="application/octet-stream")


def _tensor(output: Output, values: NDArray[np.float32] | Sequence[str]) -> tuple[dict[str, Any], bytes]:
    is_array = isinstance(values, np.ndarray)
    shape = list(values.shape) if isinstance(values, np.ndarray) else [len(values)]
    tensor: dict[str, Any] = {"name": output.name, "datatype": "FP32" if is_array else "BYTES", "shape": shape}
    if output.binary:
        binary = binary_of(values)
        return {**tensor, "parameters": {"binary_data_size": len(binary)}}, binary
    data = [float(value) for value in values.ravel()] if isinstance(values, np.ndarray) else list(values)
    return {**tensor, "data": data}, b""
