"""What is examined: a run's needs, and the servers that it will meet, as far as they could be reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.step.errors import one_line
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.doctor.finding import NotChecked
from pipeline.doctor.needs import StepNeeds


@dataclass(frozen=True)
class Setup:
    """A run as it would be begun: all its `parameters`, its `steps`, the `environment` here, and the servers.

    `for_cluster` tells whether the YAML was compiled for one; `kubernetes` and `kfp` are the connections, or why there
    is none; `folder` takes temporary files; `service_account` is that of the run's pods, "" where nobody named it.
    `secrets` gathers what was read from the cluster's secrets, by variables' names, to be cut out of what is said.
    """

    parameters: Mapping[str, Any]
    steps: tuple[StepNeeds, ...]
    for_cluster: bool
    environment: Mapping[str, str]
    kubernetes: KubernetesApi | str
    kfp: KfpApi | str
    folder: Path
    service_account: str = ""
    secrets: dict[str, str] = field(default_factory=dict)

    def in_kubernetes(self) -> KubernetesApi:
        """Return the connection with Kubernetes.

        Raises:
            NotChecked: there is none.
        """
        if isinstance(self.kubernetes, str):
            raise NotChecked(self.kubernetes)
        return self.kubernetes

    def read(self, path: str, what: str) -> Mapping[str, Any] | None:
        """Return the object at `path` of the Kubernetes API, `{namespace}` being the runs', None if none is there.

        Raises:
            NotChecked: it may not be read with this kubeconfig; `what` names it.
            ServiceError: the cluster does not answer.
        """
        kubernetes = self.in_kubernetes()
        status, answer = kubernetes.ask("GET", path.replace("{namespace}", kubernetes.namespace))
        if status == 404:
            return None
        if status in (401, 403):
            raise NotChecked(f"this kubeconfig may not read {what} ({status})")
        if status != 200 or not isinstance(answer, dict):
            said = one_line(message_of(answer), 160)
            raise NotChecked(f"Kubernetes answers {status} {said} to the question for {what}")
        return answer

    def listed(self, path: str, what: str) -> list[Mapping[str, Any]]:
        """Return the items of the list at `path`; the rest is as in `read`."""
        return list((self.read(path, what) or {}).get("items") or [])


def message_of(answer: object) -> str:
    """Return what the Kubernetes API says in an `answer` that refuses something."""
    return str(answer.get("message") or answer.get("reason") or "") if isinstance(answer, dict) else str(answer)
