"""`pawline doctor` on set-ups that are broken on a real cluster."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.compilation import COMPILED_PIPELINE, compile_pipeline
from pipeline.destination import Destination
from tests.support.live_cluster import Document, LiveCluster

QUOTA = {"kind": "ResourceQuota", "spec": {"hard": {"requests.cpu": "200m"}}}
LIMITS = {"kind": "LimitRange", "spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}}
ON_GPU = ("--param", "gpu_count=8", "--param", "gpu_type=pawline.test/gpu")


@pytest.fixture(autouse=True)
def account(cluster: LiveCluster, recorded_run: Callable[..., str]) -> None:
    """The service account of runs, as KFP makes it; the last run had it."""
    recorded_run("run-succeeded")
    named = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "pipeline-runner"}}
    if "pipeline-runner" not in cluster.kubectl("get", "serviceaccounts", "-o", "name"):
        cluster.create(named)


def said(capsys: pytest.CaptureFixture[str], *words: str, pipeline: Path = COMPILED_PIPELINE) -> dict[str, Document]:
    """Return what doctor finds wrong, by subject."""
    assert main(["doctor", "--json", "--pipeline", str(pipeline), *words]) == 1
    return {each["subject"]: each for each in json.loads(capsys.readouterr().out) if each["state"] == "wrong"}


@pytest.mark.parametrize(
    ("words", "subject", "says"),
    [
        (("--param", "s3_secret=no-such-secret"), "secret no-such-secret", "it is not in"),
        (ON_GPU, "nodes (train)", "no GPU node: none offers 8 pawline.test/gpu"),
        (("--param", 'node_selector={"no-such": "label"}'), "nodes (train)", "no node has the labels"),
        (("--param", "cpu=900", "--param", "cpu_request=900"), "nodes (train, test)", "none is large enough"),
        (("--service-account", "no-such"), "service account", "there is no service account no-such"),
        (("--namespace", "no-such-namespace"), "namespace", "there is no namespace no-such-namespace"),
        ((), "rights of runs", "service account pipeline-runner may not create workflowtaskresults"),
    ],
)
def test_what_is_asked_for_and_not_there_is_named(
    cluster: LiveCluster, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], subject: str, says: str
) -> None:
    assert says in said(capsys, *words)[subject]["sentence"]


@pytest.mark.parametrize(
    ("made", "subject", "trial"),
    [
        (QUOTA, "quota team", "exceeded quota: team"),
        (LIMITS, "limit range", "maximum memory usage per Container is 1Gi"),
    ],
)
def test_what_admits_no_pod_is_named_and_the_cluster_says_the_same(
    cluster: LiveCluster, capsys: pytest.CaptureFixture[str], made: Document, subject: str, trial: str
) -> None:
    cluster.create({"apiVersion": "v1", "metadata": {"name": "team"}, **made})
    kind = str(made["kind"])
    cluster.eventually(lambda: kind != "ResourceQuota" or cluster.get(kind, "team").get("status"))
    try:
        found = said(capsys)
    finally:
        cluster.kubectl("delete", kind, "team")
    assert found[subject]["sentence"]
    admissions = [each["sentence"] for name, each in found.items() if name.startswith("admission")]
    assert admissions
    assert all(trial in sentence for sentence in admissions)


def test_a_yaml_without_a_user_is_not_admitted(
    cluster: LiveCluster, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    compile_pipeline(tmp_path / "old.yaml", Destination(old_backend=True))
    found = said(capsys, pipeline=tmp_path / "old.yaml")
    assert "does not say runAsNonRoot" in found["pod security"]["sentence"]
    assert "violates PodSecurity" in found["admission (extract, split, train, test, promote)"]["sentence"]


def test_a_user_of_few_rights_is_told_what_was_not_looked_at(
    cluster: LiveCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}})
    config = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    config["users"][0]["user"] = {"token": cluster.kubectl("create", "token", "nobody").strip()}
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    main(["doctor", "--json", "--pipeline", str(COMPILED_PIPELINE)])
    found = {each["subject"]: each for each in json.loads(capsys.readouterr().out)}
    for subject in ("namespace", "quota", "limit ranges", "nodes", "pod security"):
        assert found[subject]["state"] == "unchecked"
        assert "may not read" in found[subject]["sentence"]
