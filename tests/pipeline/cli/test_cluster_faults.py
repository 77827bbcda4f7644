"""Every command that speaks with a cluster, against servers that refuse, are none, or answer as nobody expects."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.cli import submit
from pipeline.cli.main import main
from pipeline.cluster.pipeline_versions import version_name
from pipeline.compilation import COMPILED_PIPELINE
from tests.support.kfp_server import FakeCluster, kubeconfig, named_cluster, recorded

V2 = "/apis/v2beta1"
PIPELINE_ID = "700143a0-d130-4ee8-8a65-36f50b87b709"
RUN = str(recorded("run-step-failed")[1]["run_id"])
OF_KUBERNETES = "/api/v1/namespaces/kubeflow"
COMMANDS = [
    ["submit"],
    ["status", RUN],
    ["cancel", RUN],
    ["retry", RUN],
    ["logs", RUN],
    ["runs", "--cluster"],
    ["show", RUN],
    ["open", "last", "--cluster"],
    ["schedule", "list"],
    ["schedule", "diff", "schedules.yaml"],
    ["schedule", "apply", "schedules.yaml"],
    ["schedule", "pause", "every2min"],
]
LOGIN = b"<html>Log in</html>"


def routes() -> dict[tuple[str, str], Any]:
    versions = [{"display_name": version_name("pawline", COMPILED_PIPELINE), "pipeline_version_id": "there"}]
    return {
        ("GET", f"{V2}/healthz"): recorded("healthz"),
        ("GET", f"{V2}/pipelines"): recorded("pipelines-list"),
        ("GET", f"{V2}/pipelines/{PIPELINE_ID}/versions"): (200, {"pipeline_versions": versions}),
        ("POST", f"{V2}/runs"): recorded("run-create-secret"),
        ("GET", f"{V2}/runs/{RUN}"): recorded("run-step-failed"),
        ("GET", f"{V2}/runs"): (200, {"runs": [recorded("run-step-failed")[1]]}),
        ("POST", f"{V2}/runs/{RUN}:retry"): (200, {}),
        ("GET", f"{V2}/recurringruns"): recorded("recurring-list"),
        ("POST", f"{V2}/recurringruns"): recorded("recurring-create-daily"),
        ("GET", f"{OF_KUBERNETES}/pods"): recorded("k8s-pods-waiting-for-secret"),
        ("GET", f"{OF_KUBERNETES}/events"): (200, {"items": [{"reason": "FailedMount", "message": "no volume"}]}),
        ("GET", "/apis/argoproj.io/v1alpha1/namespaces/kubeflow/workflows"): recorded("k8s-workflow-pods-forbidden"),
    }


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCluster]:
    """A KFP 2.17 and a Kubernetes that answer all that the commands ask."""
    for name in ("PAWLINE_PIPELINE_ROOT", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(submit, "LOOK_SECONDS", 0.0)
    with named_cluster(monkeypatch, tmp_path, "a-token-of-nobody") as running:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, running.url)))
        (tmp_path / "schedules.yaml").write_text("schedules:\n  - {name: nightly, cron: '0 2 * * *'}\n")
        running.routes = routes()
        yield running


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {"error": "Unauthorized"}), "PAWLINE_KFP_TOKEN"),
        ((403, b"Forbidden"), "The KFP API must know and admit you"),
        ((302, LOGIN), "a redirection (302)"),
        ((200, LOGIN), "perhaps to a login page"),
        ((503, LOGIN), "503 Service Unavailable"),
    ],
)
@pytest.mark.parametrize("healthy", [False, True])
def test_a_server_that_refuses_or_is_none_is_one_line(
    cluster: FakeCluster,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, Any],
    said: str,
    healthy: bool,
) -> None:
    whole = recorded("healthz")
    monkeypatch.setattr(cluster, "answer", lambda asked: whole if healthy and "healthz" in asked.path else answer)
    for words in COMMANDS[::2] if healthy else COMMANDS[1::2]:
        assert main(words) == 1, words
        printed = capsys.readouterr()
        lines = [line for line in printed.err.splitlines() if not line.startswith("KFP API")]
        assert len(lines) == 1, (words, lines)
        assert said in lines[0]
        assert "a-token-of-nobody" not in printed.err + printed.out


def test_every_command_says_which_server_it_met_and_works_with_an_older_one(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    for health, era in (((200, {"multi_user": False, "tag_name": "2.5.0"}), "2.5.0"), (recorded("healthz"), "2.17")):
        cluster.routes["GET", f"{V2}/healthz"] = health
        for words in COMMANDS:
            main(words)
            first = capsys.readouterr().err.splitlines()[0]
            assert first.startswith("KFP API ")
            assert era in first


JUNK = st.sampled_from([None, [], {}, "x", "", 5, -1, 3.5, True, [None], ["x"], [[]], {"a": 1}])


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[tuple[str, str], Any]:
    """Return one of the answers with one thing in it left out or replaced by something else."""
    route = draw(st.sampled_from(sorted(routes())))
    root = {"answer": copy.deepcopy(routes()[route][1])}
    inside: Any = root
    key: Any = "answer"
    while isinstance(inside[key], dict | list) and inside[key] and draw(st.integers(0, 3)):
        inside = inside[key]
        key = draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(min(3, len(inside)))))
    if isinstance(inside, dict) and inside is not root and draw(st.booleans()):
        del inside[key]
    else:
        inside[key] = draw(JUNK)
    return route, root["answer"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.sampled_from(COMMANDS), found=spoilt())
def test_an_answer_of_another_shape_is_no_fault(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], words: list[str], found: tuple[tuple[str, str], Any]
) -> None:
    route, answer = found
    cluster.routes = routes() | {route: (200, answer)}
    assert main(words) in (0, 1)
    assert sum("error: " in line for line in capsys.readouterr().err.splitlines()) <= 1


@pytest.mark.parametrize(
    ("route", "path", "value"),
    [
        (f"{V2}/runs/{RUN}", ["run_details"], 5),
        (f"{V2}/runs/{RUN}", ["run_details", "task_details"], [None, "x"]),
        (f"{V2}/runs", ["runs"], ["x"]),
        (f"{V2}/recurringruns", ["recurringRuns", 0, "max_concurrency"], "many"),
        (f"{OF_KUBERNETES}/pods", ["items", 0, "status"], None),
        (f"{OF_KUBERNETES}/pods", [], b"<html>"),
    ],
)
def test_these_answers_were_faults_once(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], route: str, path: list[Any], value: Any
) -> None:
    root = {"answer": copy.deepcopy(routes()["GET", route][1])}
    inside: Any = root
    *way, last = ["answer", *path]
    for key in way:
        inside = inside[key]
    inside[last] = value
    cluster.routes["GET", route] = 200, root["answer"]
    for words in (["status", RUN], ["runs", "--cluster"], ["schedule", "list"]):
        assert main(words) in (0, 1)


def test_waiting_ends_with_ctrl_c_and_the_run_goes_on(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    status, begun = recorded("run-create-secret")
    cluster.routes["GET", f"{V2}/runs/{begun['run_id']}"] = status, begun
    monkeypatch.setattr(submit.time, "sleep", interrupt)
    assert main(["submit", "--wait"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "pawline: stopped"
    assert [path for path, _ in cluster.made("POST")] == [f"{V2}/runs"]


def test_a_kubeconfig_that_is_none_is_named(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken").write_text("a: [")
    (tmp_path / "odd").write_text("contexts: 5\ncurrent-context: x\n")
    for name in ("absent", "broken", "odd", "."):
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / name))
        assert main(["status", RUN]) == 0
        [_, warning] = capsys.readouterr().err.splitlines()
        assert warning.startswith("warning: why a pod waits is not known. Kubernetes is reached with a kubeconfig.")
