"""The pipeline's steps as pods on a real cluster: as any user; their logs; what ends them or lets them wait."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from pipeline.cluster.reasons import workflow_reasons
from pipeline.compilation import compile_pipeline
from pipeline.destination import Destination
from tests.support.kfp_server import recorded
from tests.support.little_launcher import BEGINS
from tests.support.live_cluster import LiveCluster, Refused, fresh_namespace
from tests.support.live_sample import put_sample
from tests.support.live_store import LiveStore
from tests.support.pretended_nodes import gpu_profile, node_name, pretended_gpu_node
from tests.support.step_pods import StepPods

RunGiven = Callable[..., str]
Reason = Callable[[str, str], str]


@pytest.fixture(scope="module")
def compiled(step_image: str, train_image: str, mlflow: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "pawline.yaml"
    compile_pipeline(path, Destination(image=step_image, train_image=train_image, mlflow=mlflow))
    return path


@pytest.fixture(scope="module")
def pods(compiled: Path, cluster: LiveCluster, store: LiveStore, tmp_path_factory: pytest.TempPathFactory) -> StepPods:
    """The steps of a run of the sample, which lies in the store."""
    given = {**put_sample(store, tmp_path_factory.mktemp("run")), "model_name": "sample"}
    made = StepPods(compiled, store, str(recorded("run-succeeded")[1]["run_id"]), given)
    cluster.create(made.launcher)
    return made


@pytest.fixture(scope="module")
def ended(pods: StepPods, cluster: LiveCluster) -> dict[str, Any]:
    """The pods of the steps, by step, once each has succeeded."""
    return {step: pods.run(step, cluster) for step in pods.steps}


def of_run(pods: StepPods, run_id: str, **given: Any) -> StepPods:
    """Return the steps of another run, begun with the same data and `given`."""
    return replace(pods, run_id=run_id, given={**pods.given, **given})


@pytest.fixture
def reason(recorded_run: RunGiven, capsys: pytest.CaptureFixture[str]) -> Reason:
    """Returns what `pawline status` says of a step of a run."""

    def said(run_id: str, step: str) -> str:
        assert main(["status", run_id, "--json"]) == 0
        steps = {found["name"]: found for found in json.loads(capsys.readouterr().out)["steps"]}
        return str(steps[step]["reason"])

    return said


def test_the_sample_goes_through_every_step_as_any_user(ended: dict[str, Any], pods: StepPods) -> None:
    assert list(ended) == ["extract", "split", "train", "test", "promote"]
    assert pods.states["promote"].parameters["verdict"] == "first model"
    statistics = json.loads(pods.store.read(f"{pods.run_id}/test/statistics.json"))
    assert statistics["total"] == 40


def test_logs_come_from_the_pods(
    ended: dict[str, Any], pods: StepPods, recorded_run: RunGiven, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = recorded_run("run-succeeded")
    assert main(["logs", run_id]) == 0
    said = capsys.readouterr().out.splitlines()
    assert BEGINS not in "".join(said)
    assert [step for step in ended if any(f" {step:<8}| " in line for line in said)] == list(ended)
    assert main(["logs", run_id, "test", "-f"]) == 0
    assert "40 right" in capsys.readouterr().out


def test_a_pod_that_does_not_say_that_it_is_not_root_is_refused(pods: StepPods, cluster: LiveCluster) -> None:
    pod = pods.pod("extract")
    pod["metadata"]["name"] = "root"
    del pod["spec"]["containers"][0]["securityContext"]["runAsNonRoot"]
    with pytest.raises(Refused, match="violates PodSecurity") as refusal:
        cluster.create(pod)
    nodes = {"nodes": {"x": {"name": "w.root.extract.executor", "phase": "Error", "message": str(refusal.value)}}}
    assert workflow_reasons({"status": nodes})["extract"].startswith("the cluster does not admit its pod: ")


def test_a_step_that_needs_more_memory_than_it_may_have_says_so(
    ended: dict[str, Any], pods: StepPods, cluster: LiveCluster, recorded_run: RunGiven, reason: Reason
) -> None:
    run_id = recorded_run("run-out-of-memory")
    small = of_run(pods, run_id, memory="150Mi", memory_request="150Mi")
    cluster.create(small.pod("train"))
    assert cluster.ended(small.name("train"))["status"]["phase"] == "Failed"
    assert "OOMKilled" in reason(run_id, "train")


def test_a_gpu_step_waits_for_a_node_that_fits_and_goes_there(
    ended: dict[str, Any], pods: StepPods, cluster: LiveCluster, recorded_run: RunGiven, reason: Reason
) -> None:
    run_id, node = recorded_run("run-waiting-for-unschedulable", "train"), node_name()
    steps = of_run(pods, run_id, **gpu_profile(node))
    cluster.create(steps.pod("train"))
    name = steps.name("train")
    cluster.eventually(lambda: "no node takes it" in reason(run_id, "train"))
    with pretended_gpu_node(cluster, node):
        bound = cluster.eventually(lambda: cluster.get("pod", name)["spec"].get("nodeName"))
        assert bound == node
        assert cluster.get("pod", name)["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
        cluster.kubectl("delete", "pod", name, "--force", "--grace-period=0")


def test_light_steps_fit_a_small_quota_and_what_exceeds_it_is_said(pods: StepPods) -> None:
    most = "--hard=requests.cpu=500m,requests.memory=500Mi,limits.cpu=1,limits.memory=3Gi"
    with fresh_namespace() as little:
        little.kubectl("create", "quota", "small", most)
        little.create(pods.pod("extract"), dry_run=True)
        little.create(pods.pod("extract"))
        second = pods.pod("extract")
        second["metadata"]["name"] = "second"
        with pytest.raises(Refused, match="exceeded quota") as refusal:
            little.create(second)
    nodes = {"nodes": {"x": {"name": "w.root.split.executor", "phase": "Error", "message": str(refusal.value)}}}
    assert "exceeded quota" in workflow_reasons({"status": nodes})["split"]
