"""Servers of a model, at an address or as the pods of a Deployment: which bundle each answers with."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from components.parameters.cluster import SUBDOMAIN
from components.step.errors import PawlineError, ServiceError, UsageError, one_line
from components.step.strict_json import read_json
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.named import checked_address

DEPLOYMENT = "deployment/"
METADATA = "metadata"
TOKEN = "PAWLINE_SERVER_TOKEN"  # noqa: S105  # the variable's name
# Behind one address there may be several servers, of which each connection meets one.
ASKED_IN_A_ROW = 5
TIMEOUT_SECONDS = 10.0
MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Served:
    """What `server` answered: its bundle's digest, or the `problem` because of which there is none."""

    server: str
    digest: str = ""
    problem: str = ""


# Asks every server that one name stands for; there is at least one answer.
Look = Callable[[], Sequence[Served]]


def named_server_of_model(name: str, namespace: str) -> Look:
    """Return how to look at the servers that `name` stands for: an http(s) address, or deployment/NAME in `namespace`.

    Raises:
        UsageError: it is neither.
        ServiceError: there is no such Deployment, or Kubernetes does not answer, or may not for us.
    """
    deployment = name.removeprefix(DEPLOYMENT)
    if deployment == name:
        address = checked_address(name.rstrip("/"), "--server", "a server, or deployment/NAME", TOKEN)
        return partial(_at_address, address)
    if not SUBDOMAIN.fullmatch(deployment):
        raise UsageError(f"A Deployment has a name of Kubernetes. Received: {one_line(name, 120)}. Correct --server.")
    kubernetes = KubernetesApi(namespace)
    return partial(_of_deployment, kubernetes, name, _labels_of(kubernetes, deployment))


def _at_address(address: str) -> Sequence[Served]:
    return list({_answer(address, partial(_fetched, address)) for _ in range(ASKED_IN_A_ROW)})


def _of_deployment(kubernetes: KubernetesApi, name: str, labels: str) -> Sequence[Served]:
    try:
        pods = [pod for pod in kubernetes.get("pods", labelSelector=labels)["items"] if _is_ready(pod)]
    except ServiceError as error:
        return [Served(name, problem=str(error))]
    served = [_answer(f"pod {pod['metadata']['name']}", partial(_of_pod, kubernetes, pod)) for pod in pods]
    return served or [Served(name, problem="no pod is ready")]


def _labels_of(kubernetes: KubernetesApi, deployment: str) -> str:
    found = kubernetes.get(f"deployments/{deployment}", api="apis/apps/v1")
    return ",".join(f"{key}={value}" for key, value in found["spec"]["selector"].get("matchLabels", {}).items())


def _answer(server: str, ask: Callable[[], Any]) -> Served:
    try:
        return Served(server, str(ask()["model"]["digest"]))
    except PawlineError as error:
        return Served(server, problem=str(error))
    except (ValueError, KeyError, TypeError):
        return Served(server, problem="it answers, but not as a server of Pawline")


def _fetched(address: str) -> Any:
    from urllib3 import PoolManager, Timeout
    from urllib3.exceptions import HTTPError

    token = os.environ.get(TOKEN, "").strip()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with PoolManager(retries=False, timeout=Timeout(TIMEOUT_SECONDS)) as pool:
            response = pool.request("GET", f"{address}/{METADATA}", headers=headers, preload_content=False)
            data = response.read(MOST_BYTES)
    except HTTPError as error:
        raise ServiceError(one_line(error, 200)) from error
    if response.status != 200:
        advice = f"; a token is given by {TOKEN}" if response.status in (401, 403) else ""
        raise ServiceError(f"it answers {response.status}{advice}")
    return read_json(data)


def _of_pod(kubernetes: KubernetesApi, pod: Mapping[str, Any]) -> Any:
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports") or []]
    return kubernetes.get(f"pods/{pod['metadata']['name']}:{ports[0]['containerPort']}/proxy/{METADATA}")


def _is_ready(pod: Mapping[str, Any]) -> bool:
    """Tell whether requests come to `pod`: one that is going away still answers those it has."""
    conditions = {found["type"]: found["status"] for found in pod["status"].get("conditions") or []}
    return conditions.get("Ready") == "True" and not pod["metadata"].get("deletionTimestamp")
