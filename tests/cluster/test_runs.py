"""Runs on a real KFP: begun, cached, by the clock; followed, placed, and gone on with when a pod is lost.

The namespace of the runs, PAWLINE_KFP_NAMESPACE, is there already; what is made in it is removed again.
"""

import json
import uuid
from collections.abc import Iterator

import pytest

from pipeline.compilation import compile_pipeline
from pipeline.destination import Destination
from tests.cluster.conftest import named_or_started_store, needed
from tests.support.live_cluster import LiveCluster
from tests.support.live_runs import RUN_SECONDS, LiveRuns
from tests.support.live_sample import put_sample
from tests.support.pretended_nodes import gpu_profile, node_name, pretended_gpu_node

FIRING_SECONDS = 300.0  # The controller looks every 30 s.


@pytest.fixture(scope="module")
def kfp(step_image: str, train_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRuns]:
    """Runs of what `pawline compile` writes, on the sample, which is in the store; keys are in a secret beside them."""
    needed("PAWLINE_KFP_HOST")
    cluster, folder = LiveCluster(needed("PAWLINE_KFP_NAMESPACE")), tmp_path_factory.mktemp("project")
    compile_pipeline(folder / "pawline.yaml", Destination(image=step_image, train_image=train_image))
    secret = f"pawline-test-{uuid.uuid4().hex[:8]}"
    with named_or_started_store() as store:
        cluster.create(store.secret(secret))
        yield LiveRuns(cluster, folder, {**put_sample(store, folder), "s3_secret": secret})
        cluster.kubectl("delete", "secret", secret)


def another_seed() -> int:
    """Return one that no run has had, so that nothing comes from the cache."""
    return uuid.uuid4().int % 1_000_000


def test_the_sample_runs_to_its_end_and_once_more_from_the_cache(kfp: LiveRuns) -> None:
    first, again = (kfp.ended(kfp.submitted()) for _ in range(2))
    assert [first["status"], again["status"]] == ["succeeded", "succeeded"], (first, again)
    assert not any(step["cached"] for step in first["steps"])
    assert [step["name"] for step in again["steps"] if step["cached"]] == ["split", "train", "test"]
    listed = {run["run_id"]: run["status"] for run in kfp.answer("runs", "--cluster")}
    assert listed[first["run_id"]] == "succeeded"


def test_a_pipeline_that_is_there_is_not_uploaded_again(kfp: LiveRuns) -> None:
    versions = set()
    for _ in range(2):
        run = kfp.answer("submit", "--config", kfp.write_parameters())
        versions.add(run["version"])
        assert kfp.said("cancel", run["run_id"]) == [f"run {run['run_id']}: cancelled"]
    assert len(versions) == 1


def test_a_log_is_followed_while_the_step_goes_on_and_kept_when_its_pod_is_gone(kfp: LiveRuns) -> None:
    run_id = kfp.submitted()
    followed = kfp.said("logs", run_id, "extract", "-f")
    assert any(" extract | " in line for line in followed)
    kfp.ended(run_id)
    kfp.cluster.kubectl("delete", "pods", f"--selector=pipeline/runid={run_id}", "--ignore-not-found")
    assert kfp.said("logs", run_id, "extract") == followed


def test_pods_of_a_restricted_namespace_are_any_user_but_root(kfp: LiveRuns) -> None:
    labels = kfp.cluster.get("namespace", kfp.cluster.namespace)["metadata"].get("labels", {})
    if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
        pytest.skip(f"needs a namespace that enforces restricted; {kfp.cluster.namespace} does not")
    run_id = kfp.submitted()
    assert kfp.ended(run_id)["status"] == "succeeded"
    for pod in kfp.step_pods(run_id).values():
        [container] = [found for found in pod["spec"]["containers"] if found["name"] == "main"]
        assert container["securityContext"]["runAsNonRoot"] is True


def test_a_run_goes_on_when_its_train_pod_is_killed(kfp: LiveRuns) -> None:
    run_id = kfp.submitted(epochs=400, checkpoint_minutes=0.1, seed=another_seed())
    train = kfp.cluster.eventually(lambda: kfp.running(run_id, "train"), RUN_SECONDS)
    kfp.cluster.eventually(lambda: " epoch 20: " in kfp.cluster.log(train), RUN_SECONDS)
    kfp.cluster.kubectl("delete", "pod", train, "--wait=false")
    assert kfp.ended(run_id)["status"] == "succeeded"
    assert any("resumed: phase 1" in line for line in kfp.said("logs", run_id, "train"))


def test_a_gpu_step_and_it_alone_goes_to_the_node_with_the_gpu(kfp: LiveRuns) -> None:
    with pretended_gpu_node(kfp.cluster, node_name()) as node:
        run_id = kfp.submitted(**gpu_profile(node), seed=another_seed())
        bound = kfp.cluster.eventually(lambda: kfp.placed(run_id).get("train"), RUN_SECONDS)
        others = {where for step, where in kfp.placed(run_id).items() if step != "train"}
        kfp.said("cancel", run_id)
        selector = f"--selector=pipeline/runid={run_id}"
        kfp.cluster.kubectl("delete", "pods", selector, "--force", "--grace-period=0")
    assert bound == node
    assert node not in others


def test_a_schedule_fires(kfp: LiveRuns) -> None:
    name = f"test-{uuid.uuid4().hex[:6]}"
    schedule = {"name": name, "cron": "* * * * *", "parameters": dict(kfp.parameters)}
    (kfp.folder / "schedules.yaml").write_text(json.dumps({"schedules": [schedule]}))
    kfp.said("schedule", "apply")
    try:
        fired = kfp.cluster.eventually(lambda: runs_called(kfp, name), FIRING_SECONDS)
    finally:
        kfp.said("schedule", "delete", name)
    kfp.said("cancel", fired[0])
    assert all(found["name"] != name for found in kfp.answer("schedule", "list"))


def runs_called(kfp: LiveRuns, schedule: str) -> list[str]:
    """Return the ids of the runs that `schedule` has begun, which KFP calls after it."""
    return [run["run_id"] for run in kfp.answer("runs", "--cluster") if schedule in run["name"]]
