"""What must hold of all rendered resources beside their pods: a policy yields a line for each thing that breaks it."""

import re
from collections.abc import Callable, Iterator

import yaml

from tests.support.manifest_pod_policies import (
    containers,
    nothing_else_is_open,
    pods_are_restricted,
    resources_are_said,
    servers_are_probed,
)
from tests.support.manifest_pods import pods, selects
from tests.support.manifests import MANIFESTS, Document, named, of_kind, walk

Policy = Callable[[list[Document]], Iterator[str]]

DIGEST = re.compile(r"[a-z0-9][a-z0-9.:/_-]*@sha256:[0-9a-f]{64}")
# A name under which nothing can ever be found (RFC 2606): the user's images take its place.
VARIABLE = re.compile(r"image\.invalid/[a-z-]+")
SECRETS = {
    document["metadata"]["name"]: document
    for document in (yaml.safe_load(path.read_text()) for path in sorted((MANIFESTS / "secrets").iterdir()))
}
# What a user provides besides: the certificate of the Ingress.
GIVEN = {"pawline-serve-tls"}


def images_are_pinned(documents: list[Document]) -> Iterator[str]:
    """By digest, or the name of one that the user sets."""
    for document in documents:
        for path, value in walk(document):
            if path.endswith(".image") and not (DIGEST.fullmatch(str(value)) or VARIABLE.fullmatch(str(value))):
                yield f"{named(document)}: {value}"


def selectors_match(documents: list[Document]) -> Iterator[str]:
    """What a resource points at is there: pods, ports, Services, Deployments."""
    made = pods(documents)
    for document in of_kind(documents, "Deployment", "StatefulSet"):
        own = [pod.maker for pod in made if selects(document["spec"]["selector"], pod.labels)]
        if own != [named(document)]:
            yield f"{named(document)} selects {own}"
    for document in of_kind(documents, "PodDisruptionBudget", "PodMonitor"):
        chosen = [pod for pod in made if selects(document["spec"]["selector"], pod.labels)]
        if not chosen:
            yield f"{named(document)} selects none"
        for endpoint in document["spec"].get("podMetricsEndpoints", []):
            if any(pod.port(endpoint["port"]) is None for pod in chosen):
                yield f"{named(document)} asks {endpoint['port']}"
    for document in of_kind(documents, "Service"):
        chosen = [pod for pod in made if selects({"matchLabels": document["spec"]["selector"]}, pod.labels)]
        for port in document["spec"]["ports"]:
            if len(chosen) != 1 or chosen[0].port(port["targetPort"]) is None:
                yield f"{named(document)}: {port}"


def targets_exist(documents: list[Document]) -> Iterator[str]:
    """Ingress, Route, autoscaler and StatefulSet name what is there."""
    there = {named(document) for document in documents}
    ports = {
        (document["metadata"]["name"], port["name"])
        for document in of_kind(documents, "Service")
        for port in document["spec"]["ports"]
    }
    for document in of_kind(documents, "HorizontalPodAutoscaler"):
        if "{kind} {name}".format(**document["spec"]["scaleTargetRef"]) not in there:
            yield named(document)
    for document in of_kind(documents, "StatefulSet"):
        if f"Service {document['spec']['serviceName']}" not in there:
            yield named(document)
    for document in of_kind(documents, "Route"):
        if (document["spec"]["to"]["name"], document["spec"]["port"]["targetPort"]) not in ports:
            yield named(document)
    for document in of_kind(documents, "Ingress"):
        for path in (path for rule in document["spec"]["rules"] for path in rule["http"]["paths"]):
            service = path["backend"]["service"]
            if (service["name"], service["port"]["name"]) not in ports:
                yield named(document)


def references_exist(documents: list[Document]) -> Iterator[str]:
    """ConfigMaps, secrets with the key asked for, service accounts and volumes are there or given by the user."""
    keys = {(name, key) for name, secret in SECRETS.items() for key in secret["stringData"]}
    there = {named(document) for document in documents} | {f"Secret {name}" for name in [*SECRETS, *GIVEN]}
    there.add("ConfigMap pawline-signers")  # The user's public key.
    for document in documents:
        for path, value in walk(document):
            if path.endswith(("configMapRef", ".configMap")) and f"ConfigMap {value['name']}" not in there:
                yield f"{named(document)}: {path} {value}"
            if path.endswith("secretKeyRef") and (value["name"], value["key"]) not in keys:
                yield f"{named(document)}: {path} {value}"
            if path.endswith((".secretName", "secretRef.name")) and f"Secret {value}" not in there:
                yield f"{named(document)}: {path} {value}"
            if path.endswith(".serviceAccountName") and f"ServiceAccount {value}" not in there:
                yield f"{named(document)}: {path} {value}"
    for pod, container in containers(documents):
        if missing := {mount["name"] for mount in container.get("volumeMounts", [])} - pod.volumes:
            yield f"{pod.maker}: volumes {missing}"


def no_secret_is_written(documents: list[Document]) -> Iterator[str]:
    """Neither as a Secret, nor as a value that is one by its name, nor inside an address."""
    yield from (named(document) for document in of_kind(documents, "Secret"))
    for pod, container in containers(documents):
        for variable in container.get("env", []):
            if re.search(r"PASSWORD|SECRET|TOKEN|ACCESS_KEY|ROOT_USER", variable["name"]) and "value" in variable:
                yield f"{pod.maker}: {variable['name']}"
    for document in documents:
        for path, value in walk(document):
            if isinstance(value, str) and re.search(r"://[^/@\s]*:[^/@\s]*@", value):
                yield f"{named(document)}: {path}"


def rights_are_least(documents: list[Document]) -> Iterator[str]:
    """Nothing for the whole cluster, no wildcard, and secrets are read one by one, by name."""
    yield from (named(document) for document in of_kind(documents, "ClusterRole", "ClusterRoleBinding"))
    roles = {document["metadata"]["name"]: document for document in of_kind(documents, "Role")}
    for role in roles.values():
        for rule in role["rules"]:
            everything = [rule.get("apiGroups"), rule.get("resources"), rule.get("verbs")]
            if any("*" in said for said in everything) or not set(rule["verbs"]) <= {"get", "create", "patch"}:
                yield f"{named(role)}: {rule}"
            if {"secrets", "configmaps"} & set(rule["resources"]) and (
                rule["verbs"] != ["get"] or not rule.get("resourceNames")
            ):
                yield f"{named(role)}: {rule}"
    accounts = {document["metadata"]["name"] for document in of_kind(documents, "ServiceAccount")}
    for binding in of_kind(documents, "RoleBinding"):
        if binding["roleRef"]["name"] not in roles or not {who["name"] for who in binding["subjects"]} <= accounts:
            yield named(binding)


def all_is_labelled(documents: list[Document]) -> Iterator[str]:
    """Everything says what it belongs to, so that it can be listed and deleted."""
    for document in documents:
        if document["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") != "pawline":
            yield named(document)


POLICIES: list[Policy] = [
    pods_are_restricted,
    nothing_else_is_open,
    resources_are_said,
    servers_are_probed,
    images_are_pinned,
    selectors_match,
    targets_exist,
    references_exist,
    no_secret_is_written,
    rights_are_least,
    all_is_labelled,
]
