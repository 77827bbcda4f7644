"""`pawline logs`: of runs here and on a cluster, from the pod, the store and KFP, over lost connections."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import logs
from pipeline.cli.main import main
from pipeline.cluster import pod_log
from tests.conftest import Bucket
from tests.support.kfp_server import RECORDED, FakeCluster, Request, fake_cluster, has_run, kubeconfig, recorded

V2 = "/apis/v2beta1"
PODS = "/api/v1/namespaces/kubeflow/pods"
KEPT = (RECORDED / "node-log-of-test.txt").read_bytes()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCluster]:
    """A KFP 2.17 on a Kubernetes without pods."""
    with fake_cluster() as running:
        monkeypatch.setenv("PAWLINE_KFP_HOST", running.url)
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, running.url)))
        monkeypatch.delenv("PAWLINE_PIPELINE_ROOT", raising=False)
        monkeypatch.setattr(logs, "LOOK_SECONDS", 0.0)
        monkeypatch.setattr(pod_log, "PAUSE", 0.0)
        running.routes["GET", PODS] = (200, {"items": []})
        yield running


def has_pod(cluster: FakeCluster, step: str, phases: list[str], log: Callable[[Request], tuple[int, Any]]) -> None:
    """Give the cluster a pod of `step` that is in one of `phases` after the other, the last one staying."""

    def listed(_: Request) -> tuple[int, Any]:
        phase = phases.pop(0) if len(phases) > 1 else phases[0]
        state = {"Running": {"running": {}}, "Pending": {"waiting": {}}}.get(phase, {"terminated": {"exitCode": 0}})
        return 200, {"items": [pod(step, phase, state)]}

    cluster.routes["GET", PODS] = listed
    cluster.routes["GET", f"{PODS}/p/log"] = log


def pod(step: str, phase: str, state: dict[str, Any]) -> dict[str, Any]:
    name = {"workflows.argoproj.io/node-name": f"w(0).root(0).{step}(0).executor(0)"}
    statuses = [{"name": "wait", "state": {"running": {}}}, {"name": "main", "state": state}]
    return {"metadata": {"name": "p", "annotations": name}, "status": {"phase": phase, "containerStatuses": statuses}}


def stamped(*lines: str) -> bytes:
    return b"".join(f"2026-11-26T07:29:{number:02}.000000001Z {line}\n".encode() for number, line in enumerate(lines))


def kept_by_kfp(cluster: FakeCluster, run: str, data: bytes = KEPT) -> None:
    for node in {child["pod_name"] for task in recorded("run-succeeded")[1]["run_details"]["task_details"]
                 for child in task.get("child_tasks", [])}:  # fmt: skip
        cluster.routes["GET", f"/apis/v1alpha1/runs/{run}/nodes/{node}/log"] = 200, data


def test_a_log_is_read_from_kfp_when_the_pod_is_gone(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run = has_run(cluster, "run-succeeded")
    kept_by_kfp(cluster, run)
    assert main(["logs", run, "test"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[3] == "07:29:44 test    | 37 of 40 right, accuracy 0.925 (95 % interval 0.801 to 0.974)"
    assert main(["logs", run, "test", "--launcher"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 61


def test_the_store_goes_before_kfp(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = has_run(cluster, "run-succeeded")
    kept_by_kfp(cluster, run)
    place = f"root/pawline/{run}/test/1c2734bd"
    bucket.put({f"{place}/executor-logs-0": b"from the store\n", f"{place}/report": b"<html>"})
    monkeypatch.setenv("PAWLINE_PIPELINE_ROOT", bucket.uri("root"))
    assert main(["logs", "last", "test", "--cluster"]) == main(["logs", run, "train"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "from the store"


def test_a_live_pod_is_followed_over_lost_connections_without_a_line_twice_or_lost(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    said = ["one", "two", "I1126 07:29:45.741657 15 x.go:1] launcher", "three", "four"]
    answers = [(200, stamped(*said[:3])[:-4]), (503, b""), (200, stamped(*said[:4])), (200, stamped(*said))]

    def log(request: Request) -> tuple[int, Any]:
        assert request.query["container"] == "main"
        return answers.pop(0)

    has_pod(cluster, "extract", ["Running"] * 5 + ["Succeeded"], log)
    assert main(["logs", run, "extract", "-f"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["one", "two", "three", "four"]
    assert printed.err.count("warning") == 1
    followed = [request.query.get("follow") for request in cluster.requests if request.path.endswith("/log")]
    assert followed == ["True", "True", "True", "False"]


def test_a_pod_that_goes_while_it_is_followed_ends_the_log(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    answers = [(200, stamped("one")), (404, {"message": "gone"})]
    has_pod(cluster, "extract", ["Running", "Running", "Running", "Failed"], lambda _: answers.pop(0))
    assert main(["logs", run, "extract", "-f"]) == 0
    assert capsys.readouterr().out == "one\n"


def test_ctrl_c_ends_following(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    has_pod(cluster, "extract", ["Running"], lambda _: (200, stamped("one")))

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pod_log.time, "sleep", interrupt)
    assert main(["logs", run, "extract", "-f"]) == 130
    assert capsys.readouterr().err.endswith("pawline: stopped\n")


def test_lines_of_one_moment_all_come(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    has_pod(cluster, "extract", ["Running"], lambda _: (200, stamped("one") + stamped("two") + b"half"))
    assert main(["logs", run, "extract"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["one", "two"]


def test_a_step_that_has_not_begun_is_one_line_or_waited_for(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    run = has_run(cluster, "run-waiting-for-secret")
    assert main(["logs", run, "train"]) == 1
    assert "A step must have begun to have a log. Received: train, waiting." in capsys.readouterr().err
    has_pod(cluster, "extract", ["Pending", "Pending", "Succeeded"], lambda _: (200, stamped("now")))
    assert main(["logs", run, "extract", "-f"]) == 0
    assert capsys.readouterr().out == "now\n"


def test_what_was_cached_or_never_run_is_passed_over(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run = has_run(cluster, "run-cached")
    with_nodes = recorded("run-cached")[1]["run_details"]["task_details"]
    for node in {child["pod_name"] for task in with_nodes for child in task.get("child_tasks", [])}:
        cluster.routes["GET", f"/apis/v1alpha1/runs/{run}/nodes/{node}/log"] = 200, b"said\n"
    assert main(["logs", run]) == 0
    printed = capsys.readouterr()
    assert printed.out == "said\nsaid\n"
    assert [line for line in printed.err.splitlines() if "cached" in line] == [
        f"{name}: cached, nothing was run" for name in ("split", "train", "test")
    ]


def test_a_log_that_nobody_kept_and_a_step_that_is_none_are_one_line(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    run = has_run(cluster, "run-succeeded")
    assert (main(["logs", run, "test"]), main(["logs", run, "tset"])) == (1, 2)
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 2
    assert "A log is kept by its pod, the store or KFP" in errors[0]
    assert "It has: extract, split, train, test, promote" in errors[1]


def test_a_log_cannot_move_the_terminals_cursor(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    run = has_run(cluster, "run-succeeded")
    kept_by_kfp(cluster, run, b"\x1b[31mred\x07 \xff\n")
    assert main(["logs", run, "test"]) == 0
    assert capsys.readouterr().out == "\\x1b[31mred\\x07 \ufffd\n"


def local_run(folder: Path, status: str) -> Path:
    """Write a run whose first step has said something, and whose second has not begun."""
    steps = [{"name": "extract", "status": status}, {"name": "train", "status": "waiting"}]
    record = {"pipeline": "pawline", "parameters": {}, "steps": steps, "status": status, "seconds": 1.0}
    (folder / "extract").mkdir(parents=True)
    (folder / "extract" / "log.txt").write_text("one\ntwo\n", encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(record | {"started": "2026-01-01T00:00:00+00:00"}), encoding="utf-8")
    return folder


def test_a_local_run_has_the_same_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = local_run(tmp_path / "runs" / "a", "failed")
    runs = ["--runs", str(tmp_path / "runs")]
    assert main(["logs", "last", *runs]) == main(["logs", "a", "extract", "-f", *runs]) == 0
    assert capsys.readouterr().out == "one\ntwo\n" * 2
    assert main(["logs", str(folder), "train"]) == 1
    assert main(["logs", "a", "trian", *runs]) == 2
    printed = capsys.readouterr().err.splitlines()
    assert "must have begun" in printed[0]
    assert printed[1].endswith("Received: trian. Did you mean train? It has: extract, train.")
    assert main(["logs", "b", *runs]) == 2


def test_a_local_run_is_followed_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.local import logs as local

    folder = local_run(tmp_path / "runs" / "a", "running")
    looks = threading.Event()

    def look(_: float) -> None:
        """Go on with the run as it is waited for: half a line first, then the rest and the end."""
        log = folder / "extract" / "log.txt"
        if not looks.is_set():
            log.write_text("one\ntwo\nthr", encoding="utf-8")
            looks.set()
            return
        log.write_text("one\ntwo\nthree\nfour", encoding="utf-8")
        path = folder / "run.json"
        path.write_text(path.read_text().replace('"running"', '"failed"'), encoding="utf-8")

    monkeypatch.setattr(local.time, "sleep", look)
    assert main(["logs", "a", "-f", "--runs", str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out.splitlines() == ["one", "two", "three", "four"]
