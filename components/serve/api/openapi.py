"""The OpenAPI document: what may be sent to each route, and what comes back."""

from collections.abc import Mapping
from typing import Any

from components.serve.settings import Settings

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
OBJECT: Schema = {"type": "object"}
FILE: Schema = {"type": "string", "format": "binary"}
PROBABILITY: Schema = {"type": "number", "minimum": 0, "maximum": 1}
FORMATS = ("image/jpeg", "image/png", "image/webp", "image/bmp")
READY = {200: "The server is ready.", 503: "It is not ready."}
IMAGE: Schema = {
    **{kind: {"schema": FILE} for kind in FORMATS},
    "multipart/form-data": {
        "schema": {"type": "object", "properties": {"image": FILE}, "required": ["image"]},
        "encoding": {"image": {"contentType": ", ".join(FORMATS)}},
    },
}


def openapi_document(version: str, settings: Settings) -> Schema:
    """Return the OpenAPI 3.1 document of the server under `settings`."""
    paths = {**_simple_paths(settings), **_operation_paths(), **_open_inference_paths()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pawline", "version": version, "description": "Classifies images."},
        "paths": {**paths, **_page_paths()} if settings.page else paths,
        "components": {"schemas": _schemas(settings)},
    }


def _simple_paths(settings: Settings) -> Schema:
    images = _object(**{"images[]": {"type": "array", "items": FILE, "minItems": 1, "maxItems": settings.max_batch}})
    batch = {"multipart/form-data": {"schema": images, "encoding": {"images[]": {"contentType": ", ".join(FORMATS)}}}}
    return {
        "/predict": {"post": _operation("Classify an image.", "Prediction", IMAGE)},
        "/batch_predict": {"post": _operation("Classify images; a bad one does not spoil the others.", "Batch", batch)},
    }


def _operation_paths() -> Schema:
    metrics = {"200": _answer("Metrics.", "text/plain", TEXT)}
    return {
        "/health": {"get": _read("Whether the process lives.", "Health")},
        "/metadata": {"get": _read("What is served, and within which limits.", "Metadata", 503)},
        "/metrics": {"get": {"summary": "For Prometheus.", "responses": metrics}},
    }


def _open_inference_paths() -> Schema:
    paths: Schema = {
        "/v2": {"get": _read("The server.", "OBJECT")},
        "/v2/health/live": {"get": _read("Whether the process lives.", "OBJECT")},
        "/v2/health/ready": {"get": _probe("Whether requests are answered.")},
    }
    for prefix, names in (
        ("/v2/models/{name}", ["name"]),
        ("/v2/models/{name}/versions/{version}", ["name", "version"]),
    ):
        parameters = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in names]
        body = {"application/json": {"schema": _ref("InferenceRequest")}}
        paths[prefix] = {
            "parameters": parameters,
            "get": _read("The model.", "ModelMetadata", 404, 503, error="V2Error"),
        }
        paths[f"{prefix}/ready"] = {"parameters": parameters, "get": _probe("Whether the model answers.", 404)}
        paths[f"{prefix}/infer"] = {
            "parameters": parameters,
            "post": _operation("Infer.", "InferenceAnswer", body, error="V2Error", others=(404,)),
        }
    return paths


def _page_paths() -> Schema:
    index = {"name": "index", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    png = {"200": _answer("The picture.", "image/png", FILE), **refusals("Error", 400, 404, 408, 413, 415, 422, 503)}
    return {
        "/examples": {"get": _read("The bundle's examples.", "OBJECT", 503)},
        "/examples/{index}.png": {"parameters": [index], "get": {"summary": "An example.", "responses": png}},
        "/model_input": {
            "post": {"summary": "The image as the model sees it.", "requestBody": _body(IMAGE), "responses": png}
        },
        "/card": {"get": _read("What the model's card says.", "Metadata", 503)},
        "/dashboard": {"get": _read("What the model learnt from.", "OBJECT", 503)},
    }


def _schemas(settings: Settings) -> Schema:
    model = _object(name=TEXT, version=TEXT, digest=TEXT)
    problem = _object(code=TEXT, message=TEXT)
    probabilities: Schema = {"type": "object", "additionalProperties": PROBABILITY}
    prediction = {"class": TEXT, "confidence": PROBABILITY, "probabilities": probabilities}
    entry = _optional({"index": WHOLE, "filename": TEXT, "status": WHOLE}, **prediction, error=problem)
    return {
        "OBJECT": OBJECT,
        "Error": _object(error=problem, request_id=TEXT),
        "V2Error": _object(error=TEXT),
        "Health": _object(status={"enum": ["live", "ready"]}),
        "Prediction": _object(**prediction, model=model, request_id=TEXT),
        "Batch": _object(predictions={"type": "array", "items": entry}, model=model, request_id=TEXT),
        "Metadata": _object(model=model, class_names={"type": "array", "items": TEXT}, image_size=WHOLE, limits=OBJECT),
        "ModelMetadata": _object(name=TEXT, versions={"type": "array", "items": TEXT}, platform=TEXT),
        "InferenceRequest": _inference_request(settings),
        "InferenceAnswer": _object(model_name=TEXT, model_version=TEXT, outputs={"type": "array", "items": OBJECT}),
    }


def _inference_request(settings: Settings) -> Schema:
    count = {"type": "integer", "minimum": 1, "maximum": settings.max_batch}
    files = {"type": "array", "items": {"type": "string", "contentEncoding": "base64"}, "minItems": 1}
    # Pixels may be nested as the shape is, or flat.
    pixels = {"type": "array", "items": {"type": ["integer", "array"]}, "minItems": 1}
    tensors = [
        _tensor("encoded_image", "BYTES", {"prefixItems": [count, {"const": 1}], "minItems": 1, "maxItems": 2}, files),
        _tensor("image", "UINT8", {"prefixItems": [count, WHOLE, WHOLE, {"const": 3}], **_exactly(4)}, pixels),
    ]
    output = _optional({"name": {"enum": ["probabilities", "class"]}})
    return _optional(
        {"inputs": {"type": "array", "items": {"oneOf": tensors}, **_exactly(1)}},
        id={"type": "string", "maxLength": 256},
        outputs={"type": "array", "items": output, "maxItems": 2},
    )


def _tensor(name: str, datatype: str, shape: Schema, data: Schema) -> Schema:
    return _object(name={"const": name}, datatype={"const": datatype}, shape={"type": "array", **shape}, data=data)


def _exactly(count: int) -> Schema:
    return {"minItems": count, "maxItems": count}


def _operation(
    summary: str, schema: str, content: Mapping[str, Any], error: str = "Error", others: tuple[int, ...] = ()
) -> Schema:
    return {
        "summary": summary,
        "requestBody": _body(content),
        "responses": {**_success(schema), **refusals(error, 400, *others, 408, 413, 415, 422, 503)},
    }


def _body(content: Mapping[str, Any]) -> Schema:
    return {"required": True, "content": dict(content)}


def _read(summary: str, schema: str, *statuses: int, error: str = "Error") -> Schema:
    return {"summary": summary, "responses": {**_success(schema), **refusals(error, *statuses)}}


def _probe(summary: str, *statuses: int) -> Schema:
    answers = {str(status): _answer(meaning, "application/json", OBJECT) for status, meaning in READY.items()}
    return {"summary": summary, "responses": {**answers, **refusals("V2Error", *statuses)}}


def _success(schema: str) -> Schema:
    return {"200": _answer("Done.", "application/json", _ref(schema))}


def refusals(schema: str, *statuses: int) -> Schema:
    """Return the answers of `statuses`, whose bodies are of `schema`."""
    return {str(status): _answer(MEANINGS[status], "application/json", _ref(schema)) for status in statuses}


def _answer(description: str, content_type: str, schema: Schema) -> Schema:
    return {"description": description, "content": {content_type: {"schema": schema}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _optional(required: Schema, **optional: Schema) -> Schema:
    return {"type": "object", "properties": {**required, **optional}, "required": list(required)}


MEANINGS = {
    400: "The request is malformed.",
    401: "A bearer token is needed, or this one is not valid.",
    403: "The token does not allow this.",
    404: "There is no such thing.",
    408: "The body came too slowly.",
    413: "The request is above a limit.",
    415: "The content is no image of the accepted formats, or compressed otherwise than by gzip or deflate.",
    422: "The image is damaged or has too many pixels.",
    503: "The server is busy or not ready; Retry-After says when to try again.",
}
