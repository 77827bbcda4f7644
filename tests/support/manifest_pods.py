"""The pods that a set of resources makes: their labels and their specification, whoever makes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.manifests import Document, named, of_kind


@dataclass(frozen=True)
class Pod:
    """What one pod will be; `maker` says of which resource."""

    maker: str
    labels: dict[str, str]
    spec: dict[str, Any]
    claims: tuple[str, ...] = ()

    @property
    def volumes(self) -> set[str]:
        """The names that its containers may mount."""
        return {*self.claims, *(volume["name"] for volume in self.spec.get("volumes", []))}

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*self.spec["containers"], *self.spec.get("initContainers", [])]

    def port(self, name_or_number: str | int) -> int | None:
        """Return the number of the port called so, None if no container has it."""
        for port in (port for container in self.containers for port in container.get("ports", [])):
            if name_or_number in (port.get("name"), port["containerPort"]):
                return int(port["containerPort"])
        return None


def pods(documents: list[Document]) -> list[Pod]:
    """Return the pods of Deployments, StatefulSets, InferenceServices and RayClusters."""
    templates = map(_of_template, of_kind(documents, "Deployment", "StatefulSet"))
    return [*templates, *_of_kserve(documents), *_of_ray(documents)]


def _of_template(document: Document) -> Pod:
    template = document["spec"]["template"]
    claims = tuple(claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", []))
    return Pod(named(document), template["metadata"]["labels"], template["spec"], claims)


def _of_kserve(documents: list[Document]) -> Iterator[Pod]:
    """Yield the pods that KServe makes: the runtime's, with what the service says laid over it."""
    runtimes = {document["metadata"]["name"]: document["spec"] for document in of_kind(documents, "ServingRuntime")}
    for service in of_kind(documents, "InferenceService"):
        predictor = service["spec"]["predictor"]
        runtime = runtimes[predictor["model"]["runtime"]]
        container = dict(runtime["containers"][0])
        environment = {variable["name"]: variable for variable in container["env"]}
        environment |= {variable["name"]: variable for variable in predictor["model"].get("env", [])}
        container["env"] = list(environment.values())
        ours = {"model", "minReplicas", "maxReplicas"}
        spec = {key: value for key, value in predictor.items() if key not in ours}
        spec |= {"containers": [container], "volumes": runtime["volumes"]}
        yield Pod(named(service), {"serving.kserve.io/inferenceservice": service["metadata"]["name"]}, spec)


def _of_ray(documents: list[Document]) -> Iterator[Pod]:
    for cluster in of_kind(documents, "RayCluster"):
        spec = cluster["spec"]
        for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
            template = group["template"]
            maker = f"{named(cluster)} {group.get('groupName', 'head')}"
            yield Pod(maker, template["metadata"]["labels"], template["spec"])


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Return whether a Kubernetes label selector selects `labels`; an empty one selects all."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions", []))


def _holds(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    key = expression["key"]
    if expression["operator"] == "Exists":
        return key in labels
    if expression["operator"] == "In":
        return labels.get(key) in expression["values"]
    raise NotImplementedError(expression["operator"])
