"""`pawline submit`, `status`, `cancel` and `retry` against a KFP and a Kubernetes API that answer as real ones did."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import submit
from pipeline.cli.main import main
from pipeline.cluster import named
from pipeline.cluster.pipeline_versions import version_name
from pipeline.compilation import COMPILED_PIPELINE
from tests.support.kfp_server import FakeCluster, Request, has_run, kubeconfig, named_cluster, recorded

V2 = "/apis/v2beta1"
PIPELINE_ID = "700143a0-d130-4ee8-8a65-36f50b87b709"
PODS, EVENTS = "/api/v1/namespaces/kubeflow/pods", "/api/v1/namespaces/kubeflow/events"
WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/kubeflow/workflows"
TOKEN = "sha256~a-token-that-nobody-may-read"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCluster]:
    """A KFP 2.17 that has this version of our pipeline, on a Kubernetes without pods."""
    with named_cluster(monkeypatch, tmp_path, TOKEN) as running:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, running.url)))
        monkeypatch.setattr(submit, "LOOK_SECONDS", 0.0)
        name = version_name("pawline", COMPILED_PIPELINE)
        versions = [{"display_name": name, "pipeline_version_id": "there"}]
        running.routes |= {
            ("GET", f"{V2}/pipelines"): recorded("pipelines-list"),
            ("GET", f"{V2}/pipelines/{PIPELINE_ID}/versions"): (200, {"pipeline_versions": versions}),
            ("POST", f"{V2}/runs"): recorded("run-create-secret"),
            **{("GET", path): (200, {"items": []}) for path in (PODS, EVENTS, WORKFLOWS)},
        }
        yield running


def steps(capsys: pytest.CaptureFixture[str], run: str) -> dict[str, dict[str, Any]]:
    assert main(["status", run, "--json"]) == 0
    return {step["name"]: step for step in json.loads(capsys.readouterr().out)["steps"]}


def test_a_run_is_begun_with_what_was_given_and_its_link_printed(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "run.yaml").write_text("epochs: 5\ngpu_count: 1\n")
    words = ["--config", str(tmp_path / "run.yaml"), "--param", "epochs=3", "--param", 'node_selector={"gpu": "a100"}']
    assert main(["submit", "--name", "mine", *words]) == 0
    assert cluster.made("POST") == [
        (
            f"{V2}/runs",
            {
                "display_name": "mine",
                "pipeline_version_reference": {"pipeline_id": PIPELINE_ID, "pipeline_version_id": "there"},
                "runtime_config": {"parameters": {"epochs": 3, "gpu_count": "1", "node_selector": {"gpu": "a100"}}},
            },
        )
    ]
    printed = capsys.readouterr()
    assert f"{cluster.url}/#/runs/details/b59cf951-887f-4a88-af38-dd3081dbd90a" in printed.out
    assert TOKEN not in printed.out + printed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--param", "epoch=3"], "Did you mean epochs?"),
        (["--param", "epochs=x"], "epochs must be an integer"),
        (["--param", "epochs=-1"], "epochs"),
        (["--param", "backbone=no_such_net"], "backbone"),
        (["--config", "absent.yaml"], "absent.yaml"),
        (["--param", "annotations_uri=./labels.csv"], "Received: annotations_uri=./labels.csv. Upload them"),
        (["--param", "dataset_store=file:///data"], "pods do not see this machine's files"),
    ],
)
def test_what_the_cluster_would_find_out_later_is_said_at_once(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["submit", *words]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
    assert not cluster.requests


@pytest.mark.parametrize(
    ("name", "said"),
    [("number-for-text", "gpu_count requires type string"), ("unknown", "not required by pipeline: epoch")],
)
def test_a_refused_run_says_why(cluster: FakeCluster, capsys: pytest.CaptureFixture[str], name: str, said: str) -> None:
    cluster.routes["POST", f"{V2}/runs"] = recorded(f"run-create-refused-{name}")
    assert main(["submit"]) == 1
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(("ended", "code"), [("run-succeeded", 0), ("run-step-failed", 1)])
def test_waiting_ends_with_the_run_over_a_lost_connection(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], ended: str, code: int
) -> None:
    answers = [(503, b""), (503, b""), recorded("run-waiting-for-secret"), recorded(ended)]
    cluster.routes["GET", f"{V2}/runs/b59cf951-887f-4a88-af38-dd3081dbd90a"] = lambda _: answers.pop(0)
    assert main(["submit", "--wait"]) == code
    printed = capsys.readouterr().err
    assert printed.count("Trying again") == 1
    assert [line[9:] for line in printed.splitlines() if "extract" in line] == [
        "extract | running",
        "extract | succeeded",
    ]


def test_steps_have_states_and_durations_and_say_what_was_cached(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    found = steps(capsys, has_run(cluster, "run-succeeded"))
    assert list(found) == ["extract", "split", "train", "test", "promote"]
    assert [step["seconds"] for step in found.values()] == [33, 30, 68, 48, 10]
    assert not any(step["cached"] or step["reason"] for step in found.values())
    found = steps(capsys, has_run(cluster, "run-cached"))
    assert [name for name, step in found.items() if step["cached"]] == ["split", "train", "test"]


@pytest.mark.parametrize("name", ["run-succeeded", "run-cached", "run-step-failed", "run-waiting-for-secret"])
def test_a_status_is_a_line_a_step(cluster: FakeCluster, capsys: pytest.CaptureFixture[str], name: str) -> None:
    run = has_run(cluster, name)
    assert main(["status", "last"]) == main(["status", run]) == 0
    printed = capsys.readouterr().out
    assert printed.count(f"run {run}: ") == 2
    assert printed.count("\npromote ") == 2


def test_a_missing_secret_is_named(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    cluster.routes["GET", WORKFLOWS] = recorded("k8s-workflow-waiting-for-secret")
    reason = steps(capsys, run)["extract"]["reason"]
    assert 'secret "no-such" not found' in reason
    cluster.routes["GET", PODS] = recorded("k8s-pods-waiting-for-secret")
    reason = steps(capsys, run)["extract"]["reason"]
    assert reason == 'a secret or ConfigMap that it needs is missing: secret "no-such" not found'
    asked = next(request for request in cluster.requests if request.path == PODS)
    assert asked.query["labelSelector"] == f"pipeline/runid={run}"


def test_a_pod_that_no_node_takes_is_explained(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run = has_run(cluster, "run-waiting-for-unschedulable")
    del cluster.routes["GET", WORKFLOWS]  # A cluster that knows no such kind tells of pods all the same.
    cluster.routes["GET", PODS] = recorded("k8s-pods-waiting-for-unschedulable")
    assert steps(capsys, run)["extract"]["reason"].startswith(
        "no node takes it: 0/2 nodes are available: 1 Insufficient cpu"
    )


def test_pods_that_are_not_admitted_are_explained(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    cluster.routes["GET", WORKFLOWS] = recorded("k8s-workflow-pods-forbidden")
    assert "does not admit its pod" in steps(capsys, run)["extract"]["reason"]


def test_a_failed_steps_own_line_is_found_in_the_log_that_kfp_keeps(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    run = has_run(cluster, "run-step-failed")
    log = b"I1126 07:29:12.9 launcher\npawline train: error: A backbone is known.\n"
    node = "pawline-9j9ss-485681947"  # Which the answer names, without saying whose it is.
    cluster.routes["GET", f"/apis/v1alpha1/runs/{run}/nodes/{node}/log"] = 200, log
    found = steps(capsys, run)
    assert (found["train"]["status"], found["train"]["reason"]) == ("failed", "A backbone is known.")
    assert (found["test"]["status"], found["test"]["reason"]) == ("waiting", None)


def test_a_step_killed_for_its_memory_and_one_whose_driver_failed_are_explained(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    run = has_run(cluster, "run-out-of-memory")
    state = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    node_name = {"workflows.argoproj.io/node-name": "pawline-4qk5g.root.train.executor"}  # As Argo 3 names it.
    pod = {
        "metadata": {"name": "p", "annotations": node_name},
        "status": {"phase": "Failed", "containerStatuses": [{"name": "main", "state": state}]},
    }
    cluster.routes["GET", PODS] = 200, {"items": [pod]}
    assert "OOMKilled" in steps(capsys, run)["train"]["reason"]
    cluster.routes["GET", PODS] = 200, {"items": []}
    assert "its driver failed" in steps(capsys, has_run(cluster, "run-driver-failed"))["train"]["reason"]


def test_a_pods_events_speak_where_it_says_nothing(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    pod = {
        "metadata": {
            "name": "p",
            "annotations": {"workflows.argoproj.io/node-name": "w(0).root(0).extract(0).executor(0)"},
        },
        "status": {"phase": "Pending"},
    }
    cluster.routes["GET", PODS] = 200, {"items": [pod]}
    events = [{"reason": "FailedMount", "message": "no volume"}, {"reason": "Pulled", "message": "there"}]
    cluster.routes["GET", EVENTS] = 200, {"items": events}
    assert steps(capsys, run)["extract"]["reason"] == "a volume cannot be mounted: no volume"


def test_in_a_pod_its_service_accounts_token_is_sent_as_it_is_renewed(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PAWLINE_KFP_TOKEN")
    tokens = iter(["first", "second", "third"])

    def renewed(_: Request) -> tuple[int, Any]:
        file.write_text(f"{next(tokens)}\n")
        return recorded("healthz")

    file = tmp_path / "token"
    file.write_text("zeroth\n")
    cluster.routes["GET", f"{V2}/healthz"] = renewed
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    cluster.routes["GET", f"{V2}/runs"] = 200, {}
    assert main(["runs", "--cluster"]) == 0
    sent = [request.headers["authorization"] for request in cluster.requests]
    assert sent == ["Bearer zeroth", "Bearer first"]
    monkeypatch.setattr(named, "TOKEN_FILE", file)
    monkeypatch.delenv("KF_PIPELINES_SA_TOKEN_PATH")
    assert main(["runs", "--cluster"]) == 0
    assert cluster.requests[-1].headers["authorization"] == "Bearer second"
    monkeypatch.setenv("PAWLINE_KFP_TOKEN", TOKEN)
    assert main(["runs", "--cluster"]) == 0
    assert cluster.requests[-1].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_token_file_that_is_not_there_is_one_line(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PAWLINE_KFP_TOKEN")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", "/no/such/token")
    assert main(["runs", "--cluster"]) == 2
    assert "must be readable. Received: /no/such/token: " in capsys.readouterr().err
    assert not cluster.requests


@pytest.mark.parametrize("fault", ["no kubeconfig", "forbidden"])
def test_without_kubernetes_the_rest_is_said(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "forbidden":
        cluster.routes["GET", WORKFLOWS] = 403, {"message": "no"}
    else:
        monkeypatch.setenv("KUBECONFIG", "/no/such/file")
    assert main(["status", has_run(cluster, "run-waiting-for-secret")]) == 0
    printed = capsys.readouterr()
    assert "warning: why a pod waits is not known." in printed.err
    assert "extract  running" in printed.out


def test_a_run_that_goes_on_is_cancelled_and_one_that_failed_is_tried_again(cluster: FakeCluster) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    cluster.routes["POST", f"{V2}/runs/{run}:terminate"] = recorded("run-terminate-secret")
    assert main(["cancel", run]) == 0
    run = has_run(cluster, "run-step-failed")
    cluster.routes["POST", f"{V2}/runs/{run}:retry"] = 200, {}
    assert main(["retry", "badnet"]) == 0
    assert [path.rpartition(":")[2] for path, _ in cluster.made("POST")] == ["terminate", "retry"]


@pytest.mark.parametrize("word", ["cancel", "retry"])
def test_what_has_ended_well_is_neither_cancelled_nor_tried_again(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    assert main([word, has_run(cluster, "run-succeeded")]) == 1
    assert ", succeeded. " in capsys.readouterr().err.splitlines()[-1]
    assert cluster.made("POST") == []


@pytest.mark.parametrize(
    "words", ["00000000-0000-0000-0000-000000000000", "no-such-name", "last", "../healthz", "a/b?c", ""]
)
@pytest.mark.parametrize("command", ["status", "cancel", "retry"])
def test_a_run_that_is_not_there_is_one_line(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], command: str, words: str
) -> None:
    cluster.routes["GET", f"{V2}/runs"] = (200, {})
    assert main([command, words]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert {request.path for request in cluster.requests} <= {f"{V2}/healthz", f"{V2}/runs", f"{V2}/runs/{words}"}


def test_what_is_said_of_a_run_fits_its_state_and_its_name(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    name = cluster.routes["GET", f"{V2}/runs"][1]["runs"][0]["display_name"]
    assert main(["retry", run]) == 1
    assert "running. Wait for it, or cancel it first." in capsys.readouterr().err
    assert main(["status", name[:-1]]) == 1
    assert f"Did you mean {name}? Give an id." in capsys.readouterr().err


def test_two_runs_of_one_name_are_not_guessed(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    listed = [{"run_id": name, "display_name": "same"} for name in ("one", "two")]

    def pages(request: Request) -> tuple[int, Any]:
        page = int(request.query.get("page_token", "0"))
        return 200, {"runs": [listed[page]], "next_page_token": "1" if page == 0 else ""}

    cluster.routes["GET", f"{V2}/runs"] = pages
    assert main(["cancel", "same"]) == 1
    assert "which one, two have" in capsys.readouterr().err


def test_the_clusters_runs_are_listed_with_their_links(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("run-waiting-for-secret", "run-succeeded", "run-step-failed")
    cluster.routes["GET", f"{V2}/runs"] = 200, {"runs": [recorded(name)[1] for name in names]}
    assert main(["runs", "--cluster"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "b59cf951-887f-4a88-af38-dd3081dbd90a  running  waits-for-secret"
    assert lines[2] == "7c17880e-2a05-4df9-b261-d23ec07bb6ee  failed after 1 min 57 s  badnet"
    assert main(["runs", "--cluster", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [run["status"] for run in found] == ["running", "succeeded", "failed"]
    assert found[0]["link"].startswith(f"{cluster.url}/#/runs/details/b59cf951")
