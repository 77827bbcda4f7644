"""Resources against the schemas of Kubernetes, and of those custom resources that the manifests use."""

import json
from pathlib import Path

import kubernetes_validate
from jsonschema import Draft202012Validator

from tests.support.manifest_pods import pods
from tests.support.manifests import Document, named

# From the Kubernetes of OpenShift 4.16 to the newest that the package knows.
VERSIONS = ("1.29", "1.37")
CUSTOM = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "crd_schemas").iterdir())}


def complaints(document: Document) -> list[str]:
    """Return what the schemas say against `document`; fields that they do not know count."""
    if document["kind"] in CUSTOM:
        return [f"{error.json_path}: {error.message}" for error in _custom(document["kind"]).iter_errors(document)]
    return [line for version in VERSIONS for line in _builtin(document, version)]


def pod_complaints(documents: list[Document]) -> list[str]:
    """Return the same for the pods that custom resources make, as if they were pods."""
    made = [pod for pod in pods(documents) if pod.maker.startswith(("InferenceService", "RayCluster"))]
    return [
        line
        for pod in made
        for line in complaints({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod.spec})
    ]


def _custom(kind: str) -> Draft202012Validator:
    return Draft202012Validator(CUSTOM[kind])


def _builtin(document: Document, version: str) -> list[str]:
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{version} {named(document)} {error.json_path}: {error.message}"]
    return []
