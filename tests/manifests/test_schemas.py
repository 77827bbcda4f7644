"""Every rendered resource is what Kubernetes and the operators know, in the oldest and newest version meant."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.manifest_schemas import CUSTOM, complaints, pod_complaints
from tests.support.manifests import Document, named, of_kind, unique_documents, variants


def test_every_resource_fits_its_schema():
    found = {named(document): complaints(document) for document in unique_documents()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_pods_of_operators_are_pods():
    assert [line for documents in variants().values() for line in pod_complaints(documents)] == []


def test_every_custom_schema_is_used():
    kinds = {document["kind"] for document in unique_documents()}
    assert set(CUSTOM) <= kinds
    builtin = ("apps/", "autoscaling/", "networking.k8s.io/", "policy/", "rbac.authorization.k8s.io/", "v1")
    assert {d["kind"] for d in unique_documents() if not d["apiVersion"].startswith(builtin)} == set(CUSTOM)


FAULTS: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("Deployment", lambda spec: spec.update(replica=2)),
    ("Deployment", lambda spec: spec["template"]["spec"].update(runAsNonRoot=True)),
    ("NetworkPolicy", lambda spec: spec.update(policyTypes="Egress")),
    ("HorizontalPodAutoscaler", lambda spec: spec.update(minReplicas="two")),
    ("Route", lambda spec: spec["tls"].update(termination="Edge")),
    ("Route", lambda spec: spec.update(targetPort="http")),
    ("PodMonitor", lambda spec: spec.update(endpoints=spec.pop("podMetricsEndpoints"))),
    ("PodMonitor", lambda spec: spec["podMetricsEndpoints"][0].update(interval="30")),
    ("ServingRuntime", lambda spec: spec["supportedModelFormats"][0].update(version=1)),
    ("InferenceService", lambda spec: spec["predictor"]["model"].update(storageURI="s3://a/b")),
    ("InferenceService", lambda spec: spec["predictor"].update(maxReplicas="6")),
    (
        "DataSciencePipelinesApplication",
        lambda spec: spec["objectStorage"]["externalStorage"].update(host="https://s3"),
    ),
    ("RayCluster", lambda spec: spec["headGroupSpec"]["rayStartParams"].update({"num-cpus": 0})),
    ("RayCluster", lambda spec: spec["workerGroupSpecs"][0].update(replica=2)),
    ("RayCluster", lambda spec: spec.update(authOptions={"mode": "on"})),
    ("DataSciencePipelinesApplication", lambda spec: spec.update(database={"mariaDb": {"deploy": True}})),
]


@pytest.mark.parametrize(("kind", "fault"), FAULTS)
def test_a_wrong_field_is_refused(kind: str, fault: Callable[[dict[str, Any]], object]):
    document: Document = copy.deepcopy(of_kind(unique_documents(), kind)[0])
    assert complaints(document) == []
    fault(document["spec"])
    assert complaints(document)


def test_a_wrong_field_in_a_pod_of_kserve_is_refused():
    documents = copy.deepcopy(variants()["openshift with everything"])
    of_kind(documents, "ServingRuntime")[0]["spec"]["containers"][0]["ports"][0]["port"] = 8080
    assert pod_complaints(documents)
