"""Servers of a model by the names that people give them: an address, or the pods of a Deployment."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from components.parameters.cluster import SUBDOMAIN
from components.step.errors import PawlineError, ServiceError, UsageError, one_line
from components.step.strict_json import read_json
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.named import checked_address
from pipeline.cluster.served import Look, Served
from pipeline.cluster.serving_pods import ServingPods

DEPLOYMENT = "deployment/"
METADATA = "metadata"
TOKEN = "PAWLINE_SERVER_TOKEN"  # noqa: S105  # the variable's name
# Behind one address there may be several servers, of which each connection meets one.
ASKED_IN_A_ROW = 5
TIMEOUT_SECONDS = 10.0
MOST_BYTES = 1 << 20


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
    return ServingPods(KubernetesApi(namespace), deployment)


def _at_address(address: str) -> Sequence[Served]:
    return list({_answer(address) for _ in range(ASKED_IN_A_ROW)})


def _answer(address: str) -> Served:
    try:
        return Served(address, str(_fetched(address)["model"]["digest"]))
    except PawlineError as error:
        return Served(address, problem=str(error))
    except (ValueError, KeyError, TypeError):
        return Served(address, problem="it answers, but not as a server of Pawline")


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
