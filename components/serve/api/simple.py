"""`/predict` and `/batch_predict`: an image file in, its class and probabilities out."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from components.serve.http.answers import json_answer
from components.serve.http.errors import RequestRefused, bad_request, item_error, shown
from components.serve.http.multipart import IMAGE_FIELDS, File, files_in, is_form
from components.serve.work.service import Job, Service


async def predict(request: Request) -> Response:
    """Answer with the class of the one image that is the body, or the one file of the form that is the body."""
    service: Service = request.app.state.service
    async with service.job(request) as job:
        found = await job.run(lambda job: _described(job, only_image(job.body, request.headers)))
        return json_answer({**found, "model": job.model.identity, "request_id": request.state.request_id})


async def batch_predict(request: Request) -> Response:
    """Answer with the class of each image in the form, in order; a bad one's entry says why."""
    service: Service = request.app.state.service
    async with service.job(request) as job:
        files = await job.run(lambda job: _images(job, request.headers.get("content-type", "")))
        entries = await job.run_each(lambda job, numbered: _entry(job, *numbered), list(enumerate(files)))
        identity, request_id = job.model.identity, request.state.request_id
        return json_answer({"predictions": entries, "model": identity, "request_id": request_id})


def only_image(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Return the one image file in a request of `headers`: the whole body, or a form's only file.

    Raises:
        RequestRefused: 400, a form without or with several files.
    """
    content_type = headers.get("content-type", "")
    if not is_form(content_type):
        return body
    files = files_in(body, content_type, max_files=1)
    if not files:
        raise bad_request("The form must have one file. Received: none. Send the image as a file, not as a field.")
    return files[0].data


def _images(job: Job, content_type: str) -> list[File]:
    if not is_form(content_type):
        raise bad_request(
            "A batch must be multipart/form-data with files named images[]. "
            f"Received: {shown(content_type or 'no Content-Type')}."
        )
    files = files_in(job.body, content_type, job.service.settings.max_batch)
    wrong = [file.field_name for file in files if file.field_name not in IMAGE_FIELDS]
    if wrong or not files:
        received = shown(wrong[0]) if wrong else "none"
        raise bad_request(f"A batch must have one file or more, each named images[]. Received: {received}.")
    return files


def _entry(job: Job, index: int, file: File) -> dict[str, Any]:
    place = {"index": index, "filename": file.file_name}
    try:
        return {**place, "status": 200, **_described(job, file.data)}
    except RequestRefused as refused:
        job.service.metrics.rejected(refused.refusal.code)
        return {**place, "status": refused.refusal.status, "error": item_error(refused.refusal)}


def _described(job: Job, data: bytes) -> dict[str, Any]:
    return job.model.described(job.probabilities(job.picture(data)))
