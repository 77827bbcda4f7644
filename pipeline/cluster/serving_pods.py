"""The pods of a Deployment that serves a model: which bundle each has put into service, as its log says.

The log is what Kubernetes shows of a pod in any case: a network policy may keep its API from asking the server itself,
and a server may ask for tokens.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.step.errors import ServiceError
from components.step.strict_json import read_json
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.served import Served

IN_SERVICE = "model in service"  # The event's name in the server's log.
CONTAINERS = ("serve", "kserve-container")  # What ours is called; others may stand beside it.
OVERLAP = 60  # Seconds that are asked for twice, as two clocks differ.


@dataclass
class ServingPods:
    """The ready pods of the Deployment called `name`; a call looks at them all."""

    kubernetes: KubernetesApi
    name: str
    _labels: str = field(init=False)
    _digests: dict[str, str] = field(default_factory=dict)  # By the pod's uid: what it said last.
    _looked: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find the Deployment.

        Raises:
            ServiceError: there is none, or Kubernetes does not answer, or may not for us.
        """
        found = self.kubernetes.get(f"deployments/{self.name}", api="apis/apps/v1")
        labels = found["spec"]["selector"].get("matchLabels") or {}
        self._labels = ",".join(f"{key}={value}" for key, value in labels.items())

    def __call__(self) -> Sequence[Served]:
        """Return what each pod serves; a Deployment without ready pods, or that is not seen, is one with a problem."""
        try:
            pods = self.kubernetes.get("pods", labelSelector=self._labels)["items"]
            served = [self._served(pod) for pod in pods if _is_ready(pod)]
        except ServiceError as error:
            return [Served(f"deployment/{self.name}", problem=str(error))]
        return served or [Served(f"deployment/{self.name}", problem="no pod is ready")]

    def _served(self, pod: Mapping[str, Any]) -> Served:
        name, uid, now = pod["metadata"]["name"], pod["metadata"]["uid"], time.monotonic()
        since = {"sinceSeconds": str(int(now - self._looked[uid]) + OVERLAP)} if uid in self._looked else {}
        log = self.kubernetes.text(f"pods/{name}/log", container=_container(pod), **since)
        self._looked[uid] = now
        for digest in _digests_in(log):
            self._digests[uid] = digest
        digest = self._digests.get(uid, "")
        return Served(f"pod {name}", digest, "" if digest else "its log does not say which model it serves")


def _digests_in(log: bytes) -> Iterator[str]:
    for line in log.splitlines():
        if IN_SERVICE.encode() in line:
            try:
                event = read_json(line)
                if event["event"] == IN_SERVICE:
                    yield str(event["digest"])
            except (ValueError, KeyError, TypeError):  # A line of something else, or half of one.
                continue


def _container(pod: Mapping[str, Any]) -> str:
    names = [str(container["name"]) for container in pod["spec"]["containers"]]
    return next((name for name in names if name in CONTAINERS), names[0])


def _is_ready(pod: Mapping[str, Any]) -> bool:
    """Tell whether requests come to `pod`: one that is going away still answers those it has."""
    conditions = {found["type"]: found["status"] for found in pod["status"].get("conditions") or []}
    return conditions.get("Ready") == "True" and not pod["metadata"].get("deletionTimestamp")
