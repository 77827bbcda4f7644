"""The server of manifests/ on a real cluster: any user, read-only root, probes, Service; champions and rollback."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.bundle.manifest import MANIFEST, sha256_of
from components.promote.champion import claim_tags, make_champion
from components.registry.versions import Registry, open_registry
from pipeline.cli.main import main
from tests.support.live_cluster import ANY_USER, LiveCluster, Refused
from tests.support.live_store import LiveStore
from tests.support.manifests import of_kind, render_text
from tests.support.patience import PATIENCE
from tests.support.serving import colour_bundle

PARTS = "namespace: {}\ncomponents:\n  - ../../components/serve\npatches:\n{}"
SETTING = """  - target: {{kind: ConfigMap, name: pawline-serve}}
    patch: |-
      - {{op: replace, path: /data/MLFLOW_TRACKING_URI, value: "{}"}}
      - {{op: replace, path: /data/PAWLINE_SERVE_WATCH, value: "1"}}
"""


@pytest.fixture(scope="module")
def registry(mlflow: str, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    found = open_registry({"MLFLOW_TRACKING_URI": mlflow}, "pawline")
    assert found
    promote(found, tmp_path_factory.mktemp("first"), 1.0)
    return found


def promote(registry: Registry, folder: Path, scale: float) -> str:
    """Make a bundle the champion as the promote step does; return its digest."""
    bundle, evidence = colour_bundle(folder / "bundle", scale), folder / "evidence"
    evidence.mkdir()
    digest = sha256_of(bundle / MANIFEST)
    made = registry.add(bundle, evidence, {"digest": digest, **claim_tags(registry.champion_number())})
    assert make_champion(registry, made) == made.number
    return digest


@pytest.fixture(scope="module")
def serving(cluster: LiveCluster, store: LiveStore, registry: Registry, mlflow: str, serve_image: str) -> LiveCluster:
    """The cluster with the server of the manifests, whose first pods are ready."""
    documents = render_text("live", PARTS.format(cluster.namespace, SETTING.format(mlflow)))
    for deployment in of_kind(documents, "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        pod["securityContext"] |= ANY_USER
        pod["containers"][0]["image"] = serve_image
    cluster.create(*documents)
    cluster.eventually(lambda: ready(cluster))
    return cluster


def ready(cluster: LiveCluster) -> bool:
    """Tell whether all pods are there that the autoscaler wants at least, and ready."""
    least = cluster.get("horizontalpodautoscaler", "pawline-serve")["spec"]["minReplicas"]
    status = cluster.get("deployment", "pawline-serve")["status"]
    return least <= status.get("replicas", 0) == status.get("availableReplicas")


def pods_of(cluster: LiveCluster) -> list[str]:
    listed = cluster.get("pods", "--selector=app.kubernetes.io/component=serve")["items"]
    return [pod["metadata"]["name"] for pod in listed]


def served(cluster: LiveCluster, pod: str = "") -> dict[str, Any]:
    """Return what a server says of itself, through its Service unless a pod is named."""
    kind, name = ("pods", f"{pod}:8080") if pod else ("services", "pawline-serve:80")
    where = f"/api/v1/namespaces/{cluster.namespace}/{kind}/{name}/proxy/metadata"
    return json.loads(cluster.kubectl("get", "--raw", where))


def test_it_answers_by_its_service_as_any_user_who_writes_nowhere(serving: LiveCluster) -> None:
    assert pods_of(serving)
    for name in pods_of(serving):
        assert serving.kubectl("exec", name, "--", "id", "-u").strip() == str(ANY_USER["runAsUser"])
        assert serving.kubectl("exec", name, "--", "id", "-g").strip() == "0"
        with pytest.raises(Refused, match="Read-only file system"):
            serving.kubectl("exec", name, "--", "touch", "/opt/pawline/x")
    assert served(serving)["model"]["name"] == "pawline"


def test_its_name_is_known_within_the_namespace(serving: LiveCluster, serve_image: str) -> None:
    code = "import urllib.request as r; print(r.urlopen('http://pawline-serve/v2/health/ready', timeout=10).status)"
    container = {
        "name": "main",
        "image": serve_image,
        "command": ["python", "-c", code],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **ANY_USER}
    spec = {"restartPolicy": "Never", "securityContext": context, "containers": [container]}
    serving.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client"}, "spec": spec})
    assert serving.ended("client")["status"]["phase"] == "Succeeded", serving.log("client")
    assert serving.log("client").strip() == "200"


def test_a_new_champion_comes_into_service_and_rollback_ends_with_the_old_one_there(
    serving: LiveCluster,
    registry: Registry,
    mlflow: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = served(serving)["model"]["digest"]
    new = promote(registry, tmp_path, 2.0)
    serving.eventually(lambda: served(serving)["model"]["digest"] == new)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow)
    words = ["--server", "deployment/pawline-serve", "--namespace", serving.namespace, "--wait", str(PATIENCE)]
    assert main(["rollback", *words]) == 0
    pods = [
        pod["metadata"]["name"] for pod in serving.get("pods", "--selector=app.kubernetes.io/component=serve")["items"]
    ]
    said = capsys.readouterr().out
    assert all(f"pod {pod}: digest {old} is in service" in said for pod in pods)
    assert {served(serving, pod)["model"]["digest"] for pod in pods} == {old}


def test_a_killed_server_comes_back(serving: LiveCluster) -> None:
    name = pods_of(serving)[0]
    serving.kubectl("delete", "pod", name, "--wait=false")
    serving.eventually(lambda: name not in serving.kubectl("get", "pods", "-o", "name"))
    serving.eventually(lambda: ready(serving))
    assert served(serving)["model"]["digest"]
