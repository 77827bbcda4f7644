"""`pawline rollback` until the servers have it: at addresses and as pods, one that watches for real."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.bundle.manifest import MANIFEST, sha256_of
from components.promote.champion import claim_tags, make_champion
from components.registry.versions import Registry, open_registry
from components.step.errors import ServiceError
from pipeline.cli import in_service
from pipeline.cli.main import main
from pipeline.cluster.servers import named_server_of_model
from tests.support.keys import make_keys
from tests.support.kfp_server import FakeCluster, Request, fake_cluster, kubeconfig
from tests.support.patience import PATIENCE
from tests.support.serving import colour_bundle, free_port, running_server

DEPLOYMENTS, PODS = "/apis/apps/v1/namespaces/kubeflow/deployments", "/api/v1/namespaces/kubeflow/pods"
LABELS = {"app.kubernetes.io/part-of": "pawline", "app.kubernetes.io/component": "serve"}


@pytest.fixture
def registry(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry, named by the environment, whose champion is version 2, in place of version 1."""
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr(in_service, "LOOK_SECONDS", 0.0)
    found = open_registry(os.environ, "pawline")
    assert found
    for number, replaced in (("1", ""), ("2", "1")):
        bundle = colour_bundle(tmp_path / number, float(number))
        (tmp_path / f"{number} evidence").mkdir()
        tags = {"digest": sha256_of(bundle / MANIFEST), **claim_tags(replaced)}
        make_champion(found, found.add(bundle, tmp_path / f"{number} evidence", tags))
    return found


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCluster]:
    with fake_cluster() as running:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, running.url)))
        yield running


def digest(number: str) -> str:
    return sha256_of(Path(number) / MANIFEST)


def serves(*numbers: str) -> Any:
    """Return an answer to /metadata: what versions `numbers` would say one after the other, the last one staying."""
    left = list(numbers)

    def answer(_: Request) -> tuple[int, Any]:
        return 200, {"model": {"digest": digest(left.pop(0) if len(left) > 1 else left[0])}}

    return answer


def has_pods(cluster: FakeCluster, **logs: Any) -> None:
    """Give the cluster a Deployment with a pod for each of `logs`; one that goes away and one that is not ready."""
    cluster.routes["GET", f"{DEPLOYMENTS}/pawline-serve"] = 200, {"spec": {"selector": {"matchLabels": LABELS}}}
    going = [pod("going", deletionTimestamp="2026-11-26T07:29:00Z"), pod("starting", ready="False")]
    cluster.routes["GET", PODS] = 200, {"items": [*map(pod, logs), *going]}
    for name, log in logs.items():
        cluster.routes["GET", f"{PODS}/{name}/log"] = log


def pod(name: str, ready: str = "True", **metadata: str) -> dict[str, Any]:
    containers = [{"name": "istio-proxy"}, {"name": "serve"}]
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}
    return {
        "metadata": {"name": name, "uid": f"uid of {name}", **metadata},
        "spec": {"containers": containers},
        "status": status,
    }


def puts_into_service(*numbers: str) -> Any:
    """Return an answer to a pod's log that has one more of versions `numbers` each time."""
    lines: list[str] = []
    left = list(numbers)

    def answer(_: Request) -> tuple[int, bytes]:
        if left:
            lines.append(json.dumps({"event": "model in service", "digest": digest(left.pop(0))}))
        return 200, "\n".join(['{"event": "request"}', *lines, '{"event": "model in ser']).encode()

    return answer


def test_a_server_that_watches_the_champion_has_the_old_one_when_the_command_ends(
    registry: Registry, cluster: FakeCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_server("models:/pawline@champion", tmp_path / "log", watch="0.2") as server:
        assert digest("2") in server.get("/metadata")[1].decode()
        has_pods(cluster, a=lambda _: (200, server.log.read_bytes()))
        words = ["--server", server.url, "--server", "deployment/pawline-serve", "--wait", str(PATIENCE)]
        assert main(["rollback", *words]) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"pawline: version 2, digest {digest('2')}, is put back",
            f"pawline: champion is version 1, digest {digest('1')}",
            f"{server.url}: digest {digest('1')} is in service",
            f"pod a: digest {digest('1')} is in service",
        ]
        assert digest("1") in server.get("/metadata")[1].decode()


def test_every_ready_pod_of_a_deployment_is_waited_for(
    registry: Registry, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    has_pods(cluster, a=puts_into_service("2", "2", "1"), b=puts_into_service("1"))
    assert main(["rollback", "--server", "deployment/pawline-serve"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        f"pod {name}: digest {digest('1')} is in service" for name in "ab"
    ]
    [asked] = {request.query["labelSelector"] for request in cluster.requests if request.path == PODS}
    assert asked == ",".join(f"{key}={value}" for key, value in LABELS.items())
    logs = [request.query for request in cluster.requests if request.path == f"{PODS}/a/log"]
    assert {query["container"] for query in logs} == {"serve"}
    assert ["sinceSeconds" in query for query in logs] == [False, True, True]


def test_all_servers_behind_one_address_are_waited_for(registry: Registry, cluster: FakeCluster) -> None:
    cluster.routes["GET", "/metadata"] = serves("1", "1", "2", "1", "1", "1")
    assert main(["rollback", "--server", cluster.url]) == 0
    assert len([request for request in cluster.requests if request.path == "/metadata"]) == 10


def test_the_token_of_a_server_is_sent_and_not_said(
    registry: Registry, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAWLINE_SERVER_TOKEN", "a-token-that-nobody-may-read\n")
    cluster.routes["GET", "/metadata"] = 401, {}
    assert main(["rollback", "--server", cluster.url, "--wait", "0"]) == 1
    printed = capsys.readouterr()
    assert "a token is given by PAWLINE_SERVER_TOKEN" in printed.err
    assert {request.headers["Authorization"] for request in cluster.requests} == {"Bearer a-token-that-nobody-may-read"}
    assert "nobody" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ((200, b'{"event": "model in service", "digest": "other"}\n'), "pod a: digest other"),
        ((200, b"model in service\n[]\n"), "pod a: its log does not say which model it serves"),
        ((403, {}), "must show pods/a/log. Received: 403"),
        (None, "deployment/pawline-serve: no pod is ready"),
    ],
)
def test_a_pod_that_does_not_serve_it_in_time_is_named(cluster: FakeCluster, log: Any, said: str) -> None:
    has_pods(cluster, **({"a": log} if log else {}))
    assert said in not_served("deployment/pawline-serve")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"model": {"digest": "other"}}), ": digest other"),
        ((503, {}), "it answers 503"),
        ((200, b"<html>"), "not as a server of Pawline"),
        ((200, {"model": "x"}), "not as a server of Pawline"),
    ],
)
def test_a_server_that_does_not_serve_it_in_time_is_named(cluster: FakeCluster, answer: Any, said: str) -> None:
    cluster.routes["GET", "/metadata"] = answer
    assert said in not_served(cluster.url)


def not_served(server: str) -> str:
    with pytest.raises(ServiceError, match="PAWLINE_SERVE_WATCH") as refusal:
        in_service.wait_until_served([named_server_of_model(server, "")], "wanted", 0)
    return str(refusal.value)


def test_what_was_not_seen_is_said(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollback"]) == 0
    assert "what is in service was not seen: no --server was named" in capsys.readouterr().out


def test_a_server_that_is_not_there_is_named_when_the_champion_is_back(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    assert main(["rollback", "--server", address, "--wait", "0"]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(
        f"pawline: error: The champion put back must be in service within 0 seconds. Received: {address}: "
    )
    assert registry.champion_number() == "1"


def test_a_mistake_is_one_line_and_changes_nothing(
    registry: Registry, cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("ftp://x", "http://me:secret@x", "deployment/Pawline_Serve", "deployment/")
    for words in (*(["--server", name] for name in names), ["--wait", "nan"], ["--wait", "-1"]):
        assert main(["rollback", *words]) == 2
        printed = capsys.readouterr().err
        assert printed.count("\n") == 1
        assert "secret" not in printed
    assert main(["rollback", "--server", "deployment/not-there"]) == 1
    assert "must show deployments/not-there. Received: 404" in capsys.readouterr().err
    assert registry.champion_number() == "2"


def test_what_is_not_signed_is_not_put_back_where_trust_is_set(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PAWLINE_TRUSTED_KEY", str(make_keys(tmp_path / "keys").public))
    assert main(["rollback"]) == 1
    assert "so it is not signed" in capsys.readouterr().err
    assert registry.champion_number() == "2"
