"""A cluster in which all that a run needs is in order, from store to registry; tests break one thing."""

import base64
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipeline.cluster.named import NamedServer
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.doctor.examination import CHECKS, Examined, examine
from pipeline.doctor.finding import Finding
from pipeline.doctor.needs import KeysOf, StepNeeds, read_needs
from tests.support.kfp_server import FakeCluster, Request, fake_cluster, kubeconfig, recorded
from tests.support.strict_s3 import KEY, SECRET, StrictS3, strict_s3

V1, V2, ML = "/api/v1", "/apis/v2beta1", "/api/2.0/mlflow"
HERE = f"{V1}/namespaces/kubeflow"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
MANIFESTS = "/v2/pawline/{name}/manifests/1"
NOT_FOUND = 404, {"kind": "Status", "reason": "NotFound", "message": "not found"}
FORBIDDEN = 403, {"kind": "Status", "reason": "Forbidden", "message": "is forbidden: User cannot get resource"}
# As pipeline/placement.py has them, which imports kfp and so takes seconds.
MLFLOW_KEYS = {name: name for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")}
TRACKED, WITH_TENSORFLOW = ("train", "test", "promote"), ("train",)
MLFLOW_USER, MLFLOW_PASSWORD = "runs", "a-password-that-nobody-reads"


@dataclass
class World:
    """All servers of it; `keys` are the store's as its secret has them, `steps` what the run's pods need."""

    cluster: FakeCluster
    store: StrictS3
    keys: dict[str, str]
    steps: tuple[StepNeeds, ...]
    server: NamedServer
    parameters: dict[str, Any]
    service_account: str = ""

    def examine(self, without: Collection[str] = (), **changed: Any) -> list[Finding]:
        """Return what doctor finds by all checks but some; `changed` of what it is told."""
        checks = {name: check for name, check in CHECKS.items() if name not in without}
        return examine(self.examined(**changed), checks)

    def examined(self, **changed: Any) -> Examined:
        """Return what doctor is told."""
        told: dict[str, Any] = {
            "parameters": self.parameters,
            "steps": self.steps,
            "for_cluster": True,
            "environment": {"PAWLINE_KFP_TOKEN": self.server.token},
            "server": self.server,
            "namespace": "",
            "cluster_meant": True,
        }
        return Examined(**told | changed)

    def wants(self, step: str = "", **changed: Any) -> None:
        """Let the step called `step`, or each, need what is `changed`."""
        concerned = [step] if step else [each.name for each in self.steps]
        self.steps = tuple(replace(each, **changed) if each.name in concerned else each for each in self.steps)

    def answers(self, path: str, answer: Any, method: str = "GET", status: int = 200) -> None:
        """Let the cluster answer so."""
        self.cluster.routes[method, path] = status, answer

    def items(self, path: str, *items: Mapping[str, Any]) -> None:
        """Let the list at `path` have these."""
        self.answers(path, {"items": list(items)})

    def lacks(self, path: str) -> None:
        """Let nothing be at `path`."""
        self.cluster.routes["GET", path] = NOT_FOUND

    def forbids(self, *paths: str) -> None:
        """Let nobody read `paths`."""
        for path in paths:
            self.cluster.routes["GET", path] = FORBIDDEN

    def has_secret(self, name: str, values: Mapping[str, str], kind: str = "Opaque") -> None:
        """Let the namespace have a secret."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.answers(f"{HERE}/secrets/{name}", {"data": data, "type": kind})

    def has_keys(self, **changed: str | None) -> None:
        """Let the secret of the store have its keys, but what is `changed`; None takes one away."""
        values = {name: value for name, value in (self.keys | changed).items() if value is not None}
        self.has_secret("pawline-s3", values)

    def has_nodes(self, *nodes: Mapping[str, Any]) -> None:
        """Let the cluster have these nodes."""
        self.items(f"{V1}/nodes", *nodes)


@cache
def packaged() -> tuple[Mapping[str, Any], tuple[StepNeeds, ...]]:
    """Return the default parameters of the packaged pipeline, and what its steps need."""
    pipeline = load_pipeline(COMPILED_PIPELINE)
    parameters = {name: parameter.default for name, parameter in pipeline.parameters.items()}
    return parameters, read_needs(COMPILED_PIPELINE, [step.name for step in pipeline.steps], parameters)


def needs_at(url: str) -> tuple[StepNeeds, ...]:
    """Return what the steps of a pipeline need whose images and MLflow are at `url`."""
    registry = url.removeprefix("http://")
    mlflow = KeysOf("pawline-mlflow", MLFLOW_KEYS, optional=True)
    return tuple(
        replace(
            step,
            image=f"{registry}/pawline/{'train' if step.name in WITH_TENSORFLOW else 'step'}:1",
            environment={"MLFLOW_TRACKING_URI": url} if step.name in TRACKED else {},
            secrets=(*step.secrets, mlflow) if step.name in TRACKED else step.secrets,
        )
        for step in packaged()[1]
    )


def node(name: str = "node-1", labels: Mapping[str, str] = {}, taints: Any = (), **allocatable: str) -> dict[str, Any]:
    """Return a node that is ready."""
    usual = {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi"}
    return {
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {"taints": list(taints)},
        "status": {
            "allocatable": usual | allocatable,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


@contextmanager
def sound_world(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[World]:
    """Yield it; its kubeconfig lies in `folder`."""
    with fake_cluster() as cluster, strict_s3(objects={"annotations.json": b"{}", "images/a.png": b"png"}) as store:
        keys = {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_S3_ENDPOINT": store.url,
        }
        server = NamedServer(cluster.url, cluster.url, token="sha256~a-token-that-nobody-reads")
        world = World(cluster, store, keys, needs_at(cluster.url), server, dict(packaged()[0]))
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(folder, cluster.url)))
        _furnish(world)
        yield world


def _furnish(world: World) -> None:
    for name in ("pipelines", "experiments"):
        world.cluster.routes["GET", f"{V2}/{name}"] = recorded(f"{name}-list")
    world.answers(f"{V2}/runs", {"runs": [{"service_account": "pipeline-runner"}]})
    world.answers(HERE, {"metadata": {"name": "kubeflow", "labels": {}}})
    world.answers(f"{HERE}/serviceaccounts/pipeline-runner", {"metadata": {"name": "pipeline-runner"}})
    world.items(f"{HERE}/serviceaccounts", {"metadata": {"name": "pipeline-runner"}})
    for path in (f"{HERE}/resourcequotas", f"{HERE}/limitranges", f"{HERE}/events", f"{V1}/pods"):
        world.items(path)
    world.has_nodes(node())
    allowed = 201, {"status": {"allowed": True}}
    world.cluster.routes["POST", REVIEWS] = allowed
    world.cluster.routes["POST", f"{HERE}/pods"] = 201, {}
    world.answers("/apis/monitoring.coreos.com/v1", {"resources": [{"name": "podmonitors"}]})
    world.items(
        "/apis/storage.k8s.io/v1/storageclasses",
        {"metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}},
    )
    world.has_keys()
    world.has_secret(
        "pawline-mlflow", {"MLFLOW_TRACKING_USERNAME": MLFLOW_USER, "MLFLOW_TRACKING_PASSWORD": MLFLOW_PASSWORD}
    )
    world.cluster.routes["GET", f"{ML}/experiments/search"] = of_user
    world.answers(
        f"{ML}/registered-models/get", {"registered_model": {"aliases": [{"alias": "champion", "version": "3"}]}}
    )
    for name in ("step", "train"):
        world.answers(MANIFESTS.format(name=name), {}, "HEAD")


def of_user(request: Request) -> tuple[int, Any]:
    """Answer as MLflow with users does."""
    pair = base64.b64encode(f"{MLFLOW_USER}:{MLFLOW_PASSWORD}".encode()).decode()
    return (
        (200, {}) if request.headers.get("Authorization") == f"Basic {pair}" else (401, b"You are not authenticated.")
    )
