"""Our own policies hold of every overlay with every part, and each is shown to refuse what breaks it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.manifest_network import covered, may_connect, may_leave
from tests.support.manifest_pod_policies import no_user_is_fixed
from tests.support.manifest_pods import pods
from tests.support.manifest_policies import POLICIES, Policy
from tests.support.manifests import COMPONENTS, Document, alone, of_kind, render_text, variants

PART_OF = "app.kubernetes.io/part-of"
RUN = {"workflows.argoproj.io/workflow": "image-classifier-x"}
EVERYTHING = "openshift with everything"


def part(name: str) -> dict[str, str]:
    return {PART_OF: "pawline", "app.kubernetes.io/component": name}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_every_variant_keeps_every_policy(policy: Policy):
    assert {name: list(policy(documents)) for name, documents in variants().items()} == {
        name: [] for name in variants()
    }


CHANGE_OTHERS = {"serve-kserve-champion", "serve-signed", "unprivileged-user"}  # And have no part of their own.


@pytest.mark.parametrize("component", sorted(set(COMPONENTS) - CHANGE_OTHERS))
def test_a_part_alone_keeps_what_concerns_it(component: str):
    documents = render_text("alone", alone(component))
    assert documents
    outside = component in ("serve-ingress", "serve-route", "serve-monitoring")
    elsewhere = {"targets_exist", "selectors_match"} if outside else set()
    broken = {policy.__name__: list(policy(documents)) for policy in POLICIES if policy.__name__ not in elsewhere}
    assert {name: lines for name, lines in broken.items() if lines} == {}


def test_openshift_gives_the_user_and_kubernetes_one_that_is_not_root():
    for name, documents in variants().items():
        if name.startswith("openshift"):
            assert list(no_user_is_fixed(documents)) == []
            continue
        for pod in pods(documents):
            general = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
            given = {"runAsUser": 10001, "fsGroup": 10001, "fsGroupChangePolicy": "OnRootMismatch"}
            ours = "image.invalid/pawline-" in pod.containers[0]["image"]
            assert pod.spec["securityContext"] == (general if ours else general | given)


def test_every_pod_has_a_network_policy_of_its_own():
    for name, documents in variants().items():
        assert [pod.maker for pod in pods(documents) if not covered(documents, pod.labels)] == [], name
        assert covered(documents, RUN)


def test_the_namespace_denies_what_no_policy_allows():
    for documents in variants().values():
        assert not may_connect(documents, {"app": "stranger"}, {"app": "other"}, 80)
        assert not may_leave(documents, {"app": "stranger"}, 443)


KSERVE = {"serving.kserve.io/inferenceservice": "pawline"}
STORE, MLFLOW, DATABASE, SERVE, RAY = map(part, ("store", "mlflow", "mlflow-database", "serve", "ray"))
DSPA = {"component": "data-science-pipelines"}


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [(RUN, STORE, 9000), (RUN, MLFLOW, 5000), (SERVE, STORE, 9000), (SERVE, MLFLOW, 5000),
     (KSERVE, STORE, 9000), (KSERVE, MLFLOW, 5000), (MLFLOW, DATABASE, 5432), (MLFLOW, STORE, 9000),
     (DSPA, STORE, 9000), (RUN, RAY, 10001), (RAY, RAY, 6379), (RAY, RAY, 40123), (RAY, STORE, 9000)],
)  # fmt: skip
def test_what_is_needed_is_let_through(source, target, port):
    assert may_connect(variants()[EVERYTHING], source, target, port)


def test_runs_reach_the_servers_of_openshift_ai_where_their_operator_lets_them():
    operators = {"podSelector": {"matchLabels": DSPA}, "policyTypes": ["Ingress"], "ingress": [{}]}
    documents = [*variants()[EVERYTHING], {"kind": "NetworkPolicy", "spec": operators}]
    assert [may_connect(documents, RUN, DSPA, port) for port in (8080, 8887, 8888, 3306)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [(RUN, DATABASE, 5432), (SERVE, DATABASE, 5432), (STORE, DATABASE, 5432), (RUN, STORE, 9001), (SERVE, STORE, 8888),
     (RUN, SERVE, 8080), (DATABASE, STORE, 9000), (STORE, MLFLOW, 5000), (RUN, RAY, 6379),
     (SERVE, RAY, 10001), (RAY, MLFLOW, 5000), (RAY, DATABASE, 5432), ({"app": "stranger"}, STORE, 9000)],
)  # fmt: skip
def test_what_is_not_needed_is_not_let_through(source, target, port):
    assert not may_connect(variants()[EVERYTHING], source, target, port)


def test_store_and_database_reach_nothing_outside():
    documents = variants()[EVERYTHING]
    assert [may_leave(documents, labels, 443) for labels in (STORE, DATABASE)] == [False, False]
    assert all(may_leave(documents, labels, 443) for labels in (RUN, SERVE, KSERVE, MLFLOW, DSPA))


def of(documents: list[Document], kind: str, name: str) -> dict[str, Any]:
    return next(document for document in of_kind(documents, kind) if document["metadata"]["name"] == name)


def server(documents: list[Document]) -> dict[str, Any]:
    return of(documents, "Deployment", "pawline-serve")["spec"]["template"]["spec"]


def container(documents: list[Document]) -> dict[str, Any]:
    return server(documents)["containers"][0]


def rules(documents: list[Document]) -> list[dict[str, Any]]:
    return of(documents, "Role", "pawline-runs")["rules"]


FAULTS: dict[str, list[Callable[[list[Document]], object]]] = {
    "pods_are_restricted": [
        lambda d: server(d)["securityContext"].pop("runAsNonRoot"),
        lambda d: server(d)["securityContext"].update(runAsUser=0),
        lambda d: server(d)["securityContext"]["seccompProfile"].update(type="Unconfined"),
        lambda d: server(d).update(hostNetwork=True),
        lambda d: server(d)["volumes"].append({"name": "root", "hostPath": {"path": "/"}}),
        lambda d: server(d)["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
        lambda d: container(d)["securityContext"].pop("capabilities"),
        lambda d: container(d)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
        lambda d: container(d)["securityContext"].update(privileged=True),
        lambda d: container(d)["securityContext"].pop("allowPrivilegeEscalation"),
        lambda d: container(d)["ports"][0].update(hostPort=80),
        lambda d: server(d).update(initContainers=[{"name": "as-root", "image": "image.invalid/x"}]),
        lambda d: of(d, "ServingRuntime", "pawline")["spec"]["containers"][0]["securityContext"].pop("capabilities"),
    ],
    "nothing_else_is_open": [
        lambda d: container(d)["securityContext"].pop("readOnlyRootFilesystem"),
        lambda d: server(d).pop("enableServiceLinks"),
        lambda d: server(d).pop("automountServiceAccountToken"),
    ],
    "no_user_is_fixed": [
        lambda d: server(d)["securityContext"].update(fsGroup=1001),
        lambda d: container(d)["securityContext"].update(runAsUser=1001),
    ],
    "resources_are_said": [
        lambda d: container(d)["resources"]["limits"].pop("memory"),
        lambda d: container(d)["resources"].pop("requests"),
        lambda d: server(d)["volumes"][0]["emptyDir"].pop("sizeLimit"),
    ],
    "servers_are_probed": [
        lambda d: container(d).pop("readinessProbe"),
        lambda d: container(d)["livenessProbe"]["httpGet"].update(port="admin"),
    ],
    "images_are_pinned": [
        lambda d: container(d).update(image="docker.io/library/postgres:17"),
        lambda d: container(d).update(image="image.invalid/pawline-serve:latest"),
        lambda d: of(d, "ServingRuntime", "pawline")["spec"]["containers"][0].update(image="pawline-serve"),
    ],
    "selectors_match": [
        lambda d: of(d, "Service", "pawline-serve")["spec"]["selector"].update({PART_OF: "paw"}),
        lambda d: of(d, "Service", "pawline-serve")["spec"]["ports"][0].update(targetPort="admin"),
        lambda d: of(d, "PodDisruptionBudget", "pawline-serve")["spec"]["selector"].update(matchLabels={"a": "b"}),
        lambda d: of(d, "PodMonitor", "pawline-serve")["spec"]["podMetricsEndpoints"][0].update(port="metrics"),
        lambda d: of(d, "Deployment", "pawline-serve")["spec"]["selector"].update(matchLabels={PART_OF: "pawline"}),
    ],
    "targets_exist": [
        lambda d: of(d, "HorizontalPodAutoscaler", "pawline-serve")["spec"]["scaleTargetRef"].update(name="serve"),
        lambda d: of(d, "Route", "pawline-serve")["spec"]["to"].update(name="serve"),
        lambda d: of(d, "StatefulSet", "pawline-store")["spec"].update(serviceName="store"),
    ],
    "references_exist": [
        lambda d: container(d)["envFrom"][0]["configMapRef"].update(name="pawline-serve"),
        lambda d: container(d)["env"][0]["valueFrom"]["secretKeyRef"].update(key="ACCESS_KEY"),
        lambda d: container(d)["env"][0]["valueFrom"]["secretKeyRef"].update(name="s3"),
        lambda d: server(d).update(serviceAccountName="server"),
        lambda d: container(d)["volumeMounts"].append({"name": "cache", "mountPath": "/cache"}),
        lambda d: server(d)["volumes"].append({"name": "keys", "secret": {"secretName": "keys"}}),
    ],
    "no_secret_is_written": [
        lambda d: d.append({"kind": "Secret", "metadata": {"name": "keys"}}),
        lambda d: container(d)["env"].append({"name": "AWS_SECRET_ACCESS_KEY", "value": "abc"}),
        lambda d: container(d)["env"].append({"name": "DATABASE", "value": "postgresql://mlflow:abc@db/mlflow"}),
    ],
    "rights_are_least": [
        lambda d: rules(d)[0].update(verbs=["*"]),
        lambda d: rules(d)[0].update(resources=["*"]),
        lambda d: rules(d)[-1].pop("resourceNames"),
        lambda d: rules(d)[-1].update(verbs=["get", "list"]),
        lambda d: d.append({"kind": "ClusterRole", "metadata": {"name": "all"}}),
        lambda d: of(d, "RoleBinding", "pawline-runs")["roleRef"].update(name="admin"),
    ],
    "all_is_labelled": [lambda d: of(d, "Role", "pawline-runs")["metadata"].pop("labels")],
}


@pytest.mark.parametrize("policy", [*POLICIES, no_user_is_fixed], ids=lambda policy: policy.__name__)
def test_each_policy_refuses_what_breaks_it(policy: Policy):
    for index, fault in enumerate(FAULTS[policy.__name__]):
        broken = copy.deepcopy(variants()[EVERYTHING])
        assert list(policy(broken)) == []
        fault(broken)
        assert list(policy(broken)), index
