"""`pawline show` and `open` of a run on a cluster, against a KFP API that answers as a real one and moto's S3."""

import json
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli.main import main
from tests.conftest import Bucket
from tests.support.kfp_server import FakeCluster, has_run, named_cluster, recorded

V2 = "/apis/v2beta1"
STATISTICS = {"accuracy": 0.925, "accuracy_interval_95": [0.801, 0.974], "ok": 37, "total": 40, "macro_f1": 0.9}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCluster]:
    """A KFP 2.17; what starts a browser is not there."""
    monkeypatch.delenv("PAWLINE_PIPELINE_ROOT", raising=False)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    with named_cluster(monkeypatch, tmp_path, "a-token") as running:
        yield running


def has_artifacts(bucket: Bucket, run: str, monkeypatch: pytest.MonkeyPatch, execution: str) -> str:
    """Put what a run has given into the store; return the address below which it lies."""
    below = f"root/pawline/{run}"
    files = {
        "test/{}statistics": json.dumps(STATISTICS).encode(),
        "test/{}report": b"<html>the test</html>",
        "test/{}executor-logs-0": b"",
        "train/{}bundle/bundle.json": b"{}",
        "train/{}bundle/network/model.onnx": b"",
        "promote/{}decision": b'{"verdict": "first model"}',
        "extract/{}report": b"<html>the data</html>",
    }
    bucket.put({f"{below}/{name.format(execution)}": data for name, data in files.items()})
    monkeypatch.setenv("PAWLINE_PIPELINE_ROOT", bucket.uri("root"))
    return bucket.uri(below)


@pytest.mark.parametrize("execution", ["", "1c2734bd/"])  # As 2.5.0 puts it, and as 2.17 does.
def test_a_run_is_shown_with_figures_artifacts_and_parameters(
    cluster: FakeCluster,
    bucket: Bucket,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    execution: str,
) -> None:
    run = has_run(cluster, "run-succeeded")
    place = has_artifacts(bucket, run, monkeypatch, execution)
    version = recorded("run-succeeded")[1]["pipeline_version_reference"]
    declared = {"epochs": {"defaultValue": 30}, "backbone": {"defaultValue": "small_cnn"}}
    spec = {"pipeline_spec": {"root": {"inputDefinitions": {"parameters": declared}}}}
    path = f"{V2}/pipelines/{version['pipeline_id']}/versions/{version['pipeline_version_id']}"
    cluster.routes["GET", path] = 200, {"pipeline_spec": spec}
    assert main(["show", "first", "--cluster"]) == 0
    shown = capsys.readouterr().out
    for text in (
        f"run {run}: first, succeeded after 5 min 48 s\nextract  succeeded  33 s",
        "test accuracy  0.9250 (95 %: 0.80 to 0.97), 37 of 40",
        "promotion      first model",
        f"test report    {place}/test/{execution}report",
        f"model          {place}/train/{execution}bundle\n",
        f"page           {cluster.url}/#/runs/details/{run}",
        "backbone  small_cnn",
        "epochs  3",
    ):
        assert text in shown, text
    assert main(["show", run, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["artifacts"]["train"] == {"bundle": f"{place}/train/{execution}bundle"}
    assert (found["results"]["accuracy"], found["results"]["promotion"]) == (0.925, "first model")
    assert found["parameters"] == {"backbone": "small_cnn", "cpu": "500m", "epochs": 3, "memory": "3Gi"}
    assert [step["status"] for step in found["steps"]] == ["succeeded"] * 5


@pytest.mark.parametrize("root", ["", "s3://no-such-bucket/root", "minio://mlpipeline/v2/artifacts"])
def test_what_the_store_does_not_say_is_left_out(
    cluster: FakeCluster, bucket: Bucket, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    run = has_run(cluster, "run-step-failed")
    monkeypatch.setenv("PAWLINE_PIPELINE_ROOT", root)
    assert main(["show", run]) == 0
    printed = capsys.readouterr()
    assert "train    failed" in printed.out
    [_, warning] = printed.err.splitlines()
    assert warning.startswith("warning: what it has given is not known. ")
    assert ("PAWLINE_PIPELINE_ROOT names" in warning) == (not root)
    assert main(["open", run]) == 0
    assert capsys.readouterr().out == f"{cluster.url}/#/runs/details/{run}\n"


def test_a_report_is_fetched_and_opened(
    cluster: FakeCluster,
    bucket: Bucket,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    run = has_run(cluster, "run-succeeded")
    has_artifacts(bucket, run, monkeypatch, "1c2734bd/")
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    assert main(["open", "last", "--cluster"]) == main(["open", run, "--report", "data"]) == 0
    folder = tmp_path / "runs" / "cluster"
    assert opened == [(folder / f"{run}-{name}.html").as_uri() for name in ("test", "data")]
    assert (folder / f"{run}-test.html").read_text() == "<html>the test</html>"
    capsys.readouterr()
    assert main(["open", run, "--report", "train"]) == 1
    assert "succeeded, without a train report. It has: test, data." in capsys.readouterr().err
    assert main(["runs", "--json"]) == 0  # What was fetched is no run.
    assert json.loads(capsys.readouterr().out) == []


def test_a_servers_id_is_no_path(
    cluster: FakeCluster, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = recorded("run-succeeded")[1] | {"run_id": "../../x", "display_name": "mine"}
    cluster.routes["GET", f"{V2}/runs"] = 200, {"runs": [named]}
    cluster.routes["GET", f"{V2}/runs/../../x"] = 200, named
    has_artifacts(bucket, "x", monkeypatch, "")
    monkeypatch.setenv("PAWLINE_PIPELINE_ROOT", bucket.uri("root/pawline/x/.."))
    main(["open", "mine", "--cluster"])
    assert {path.name for path in tmp_path.iterdir()} <= {"pawline.yaml", "runs"}


@pytest.mark.parametrize("command", ["show", "open"])
def test_a_run_that_is_not_there_is_one_line(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    cluster.routes["GET", f"{V2}/runs"] = 200, {}
    assert main([command, "00000000-0000-0000-0000-000000000000"]) == main([command, "no", "--cluster"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("pawline: error: ") for line in lines] == [False, True] * 2
