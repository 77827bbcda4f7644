"""manifests/ judged by a real API server: its schemas, its admission, its authorization."""

import pytest

from tests.support.live_cluster import ANY_USER, LiveCluster
from tests.support.manifest_pods import pods
from tests.support.manifests import Document, alone, render_text, variants

# Kinds of operators, which a cluster knows or not; tests/manifests checks them against their schemas.
OF_OPERATORS = ("DataSciencePipelinesApplication", "InferenceService", "PodMonitor", "Route", "ServingRuntime")
VARIANTS = ("kubernetes", "local", "openshift", "kubernetes with everything", "kubernetes with the alternatives")


def in_namespace(documents: list[Document], namespace: str) -> list[Document]:
    """Return what of `documents` any Kubernetes knows, put into `namespace`."""
    known = [found for found in documents if found["kind"] not in (*OF_OPERATORS, "Namespace")]
    return [found | {"metadata": found["metadata"] | {"namespace": namespace}} for found in known]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_accepted(cluster: LiveCluster, variant: str) -> None:
    documents = in_namespace(variants()[variant], cluster.namespace)
    assert len(cluster.create(*documents, dry_run=True)) == len(documents)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_pod_is_admitted_under_restricted(cluster: LiveCluster, variant: str) -> None:
    for pod in pods(variants()[variant]):
        claims = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in pod.claims]
        spec = pod.spec | {"volumes": [*pod.spec.get("volumes", []), *claims], "serviceAccountName": "default"}
        spec["securityContext"] = spec["securityContext"] | (ANY_USER if variant == "openshift" else {})
        metadata = {"name": "judged", "labels": pod.labels}
        judged = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        [admitted] = cluster.create(judged, dry_run=True)
        assert admitted["spec"]["securityContext"]["runAsNonRoot"] is True


def test_a_run_may_do_what_kfp_does_for_it_and_nothing_else(cluster: LiveCluster) -> None:
    cluster.create(*render_text("live", alone("runs").replace("elsewhere", cluster.namespace)))
    may = ["get pods", "get configmaps kfp-launcher", "get secrets pawline-s3", "get secrets mlpipeline-minio-artifact"]
    may += ["create workflowtaskresults.argoproj.io", "patch workflowtaskresults.argoproj.io"]
    may_not = [
        "list secrets",
        "get secrets",
        "get secrets another",
        "list configmaps",
        "update configmaps kfp-launcher",
    ]
    may_not += ["create pods", "delete pods", "create pods/exec", "get nodes", "update configmaps kfp-launcher"]
    rights = {words: cluster.may("pawline-runs", *words.split(" ", 1)) for words in may + may_not}
    assert rights == dict.fromkeys(may, True) | dict.fromkeys(may_not, False)
