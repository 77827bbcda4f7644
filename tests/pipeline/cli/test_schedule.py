"""`pawline schedule` against a KFP API that answers as a real one did: what is asked of it, and what is said."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from pipeline.cluster.pipeline_versions import version_name
from pipeline.compilation import COMPILED_PIPELINE
from tests.support.kfp_server import FakeCluster, Request, named_cluster, recorded

V2 = "/apis/v2beta1"
PIPELINE_ID = "700143a0-d130-4ee8-8a65-36f50b87b709"
TOKEN = "sha256~a-token-that-nobody-may-read"
NIGHTLY = "schedules:\n  - name: nightly\n    cron: '30 2 * * 1'\n    parameters: {epochs: 3, gpu_count: 1}\n"
NAME = version_name("pawline", COMPILED_PIPELINE)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCluster]:
    """A KFP 2.17 with our pipeline, not yet with this version of it, and without schedules."""
    with named_cluster(monkeypatch, tmp_path, TOKEN) as running:
        monkeypatch.delenv("PAWLINE_KFP_NAMESPACE", raising=False)
        running.routes |= {
            ("GET", f"{V2}/pipelines"): recorded("pipelines-list"),
            ("GET", f"{V2}/pipelines/{PIPELINE_ID}/versions"): (200, {}),
            ("POST", f"{V2}/pipelines/upload_version"): (200, {"pipeline_version_id": "new"}),
            ("GET", f"{V2}/recurringruns"): (200, {}),
            ("POST", f"{V2}/recurringruns"): recorded("recurring-create-daily"),
        }
        yield running


def has_version(cluster: FakeCluster, name: str = NAME) -> None:
    versions = [{"display_name": name, "pipeline_version_id": "there", "pipeline_id": PIPELINE_ID}]
    cluster.routes["GET", f"{V2}/pipelines/{PIPELINE_ID}/versions"] = (200, {"pipeline_versions": versions})


def has_schedules(cluster: FakeCluster, *schedules: dict[str, Any]) -> None:
    """Give the cluster `schedules`, each as recorded but for what it names; deleted ones are gone."""
    known = {
        f"id-{number}": recorded("recurring-get-six-fields")[1]
        | {"recurring_run_id": f"id-{number}", "pipeline_version_reference": reference("there")}
        | schedule
        for number, schedule in enumerate(schedules)
    }

    def delete(request: Request) -> tuple[int, Any]:
        del known[request.path.rpartition("/")[2]]
        return recorded("recurring-delete")

    cluster.routes["GET", f"{V2}/recurringruns"] = lambda _: (200, {"recurringRuns": [*known.values()]})
    for name in known:
        cluster.routes["DELETE", f"{V2}/recurringruns/{name}"] = delete
        cluster.routes["POST", f"{V2}/recurringruns/{name}:disable"] = recorded("recurring-pause")
        cluster.routes["POST", f"{V2}/recurringruns/{name}:enable"] = recorded("recurring-resume")


def reference(version: str) -> dict[str, str]:
    return {"pipeline_id": PIPELINE_ID, "pipeline_version_id": version}


def schedule(*words: str, file: str | None = None) -> int:
    if file is not None:
        Path("schedules.yaml").write_text(file, encoding="utf-8")
    return main(["schedule", *words])


def test_a_new_schedule_is_made_as_kfp_takes_it(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert schedule("apply", file=NIGHTLY) == 0
    uploads, made = cluster.made("POST")
    assert uploads[0] == f"{V2}/pipelines/upload_version"
    assert COMPILED_PIPELINE.read_bytes() in uploads[1]
    assert cluster.requests[-2].query == {"name": NAME, "pipelineid": PIPELINE_ID}
    assert made == (
        f"{V2}/recurringruns",
        {
            "display_name": "nightly",
            "pipeline_version_reference": reference("new"),
            "runtime_config": {"parameters": {"epochs": 3, "gpu_count": "1"}},
            "trigger": {"cron_schedule": {"cron": "0 30 2 * * 1"}},
            "max_concurrency": "1",
            "no_catchup": True,
            "mode": "ENABLE",
        },
    )
    printed = capsys.readouterr()
    assert printed.out.startswith("+ nightly: new, 30 2 * * 1, next Mon ")
    assert "at the controller (UTC)" in printed.out
    assert "KFP API of the time of 2.17" in printed.err
    assert TOKEN not in printed.out + printed.err
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in cluster.requests)


def test_what_changes_is_shown_before_anything_is_done(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.routes["POST", f"{V2}/pipelines/upload_version"] = (400, {"message": "no"})
    assert schedule("apply", file=NIGHTLY) == 1
    assert capsys.readouterr().out.startswith("+ nightly")


def test_diff_asks_and_changes_nothing(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert schedule("diff", "--prune", file=NIGHTLY) == 0
    assert {request.method for request in cluster.requests} == {"GET"}
    assert schedule("diff", "--json") == 0
    [change] = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert change == {"name": "nightly", "change": "create", "differences": [], "replaces": []}


def test_what_is_as_it_should_be_is_left_alone(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    has_version(cluster)
    has_schedules(cluster, {"display_name": "nightly", "mode": "ENABLE", "runtime_config": {"parameters": {}}})
    assert schedule("apply", file="schedules:\n  - {name: nightly, cron: '30 2 * * 1'}\n") == 0
    assert cluster.made("POST") == cluster.made("DELETE") == []
    assert capsys.readouterr().out.endswith("nothing to change\n")


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"trigger": {"cron_schedule": {"cron": "30 2 * * 1"}}}, "30 2 * * 1 (seconds first) -> 30 2 * * 1"),
        ({"trigger": {"periodic_schedule": {"interval_second": "60"}}}, "@every 60s -> 30 2 * * 1"),
        ({"runtime_config": {"parameters": {"epochs": 5}}}, "epochs 5 -> its default"),
        ({"max_concurrency": "10"}, "concurrency 10 -> 1"),
        ({"no_catchup": False}, "catch_up true -> false"),
        ({"pipeline_version_reference": reference("old")}, f"pipeline -> {NAME}"),
    ],
)
def test_what_differs_is_made_anew_and_the_old_one_goes_last(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], there: dict[str, Any], said: str
) -> None:
    has_version(cluster)
    has_schedules(cluster, {"display_name": "nightly", "mode": "ENABLE", "runtime_config": {}} | there)
    assert schedule("apply", file="schedules:\n  - {name: nightly, cron: '30 2 * * 1'}\n") == 0
    assert [request.method for request in cluster.requests[-2:]] == ["POST", "DELETE"]
    assert f"~ nightly: made anew: {said}\n" in capsys.readouterr().out


@pytest.mark.parametrize(("mode", "enabled", "verb"), [("DISABLE", "true", "enable"), ("ENABLE", "false", "disable")])
def test_a_schedule_is_paused_in_place(cluster: FakeCluster, mode: str, enabled: str, verb: str) -> None:
    has_version(cluster)
    has_schedules(cluster, {"display_name": "nightly", "mode": mode, "runtime_config": {}})
    file = f"schedules:\n  - {{name: nightly, cron: '30 2 * * 1', enabled: {enabled}}}\n"
    assert schedule("apply", file=file) == 0
    assert cluster.made("POST") == [(f"{V2}/recurringruns/id-0:{verb}", None)]


def test_what_is_not_in_the_file_goes_with_prune_alone(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    has_version(cluster)
    foreign = {"display_name": "foreign", "pipeline_version_reference": {"pipeline_id": "of-others"}}
    has_schedules(cluster, {"display_name": "old"}, foreign)
    assert schedule("apply", file="schedules: []\n") == 0
    assert "? old: not in the file, left alone" in capsys.readouterr().out
    assert cluster.made("DELETE") == []
    assert schedule("apply", "--prune") == 0
    assert cluster.made("DELETE") == [(f"{V2}/recurringruns/id-0", None)]


def test_of_two_with_one_name_one_is_made_and_both_go(cluster: FakeCluster) -> None:
    has_version(cluster)
    has_schedules(cluster, {"display_name": "nightly"}, {"display_name": "nightly"})
    assert schedule("apply", file=NIGHTLY) == 0
    assert len(cluster.made("POST")) == 1
    assert len(cluster.made("DELETE")) == 2


def test_a_pipeline_that_is_not_there_is_made(cluster: FakeCluster) -> None:
    cluster.routes["GET", f"{V2}/pipelines"] = (200, {})
    cluster.routes["POST", f"{V2}/pipelines"] = recorded("pipelines-list")[0], {"pipeline_id": "made"}
    assert schedule("apply", file=NIGHTLY) == 0
    assert cluster.made("POST")[0] == (f"{V2}/pipelines", {"display_name": "pawline"})


def test_an_experiment_and_a_namespace_are_as_named(cluster: FakeCluster) -> None:
    has_version(cluster)
    cluster.routes["GET", f"{V2}/healthz"] = (200, {"multi_user": True})
    cluster.routes["GET", f"{V2}/experiments"] = recorded("experiments-list")
    cluster.routes["POST", f"{V2}/experiments"] = (200, {"experiment_id": "e"})
    assert schedule("apply", "--experiment", "nights", "--namespace", "me", file=NIGHTLY) == 0
    assert cluster.made("POST")[0] == (f"{V2}/experiments", {"display_name": "nights", "namespace": "me"})
    assert cluster.made("POST")[1][1]["experiment_id"] == "e"
    assert all(r.query["namespace"] == "me" for r in cluster.requests if r.method == "GET" and "page_size" in r.query
               and "versions" not in r.path)  # fmt: skip


def test_a_server_for_one_alone_is_not_asked_by_namespace(cluster: FakeCluster) -> None:
    assert schedule("list", "--namespace", "kubeflow") == 0
    assert not any("namespace" in request.query for request in cluster.requests)


def test_the_cluster_s_schedules_are_listed_page_by_page(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    has_schedules(cluster, {"display_name": "nightly", "mode": "ENABLE"})
    [first] = cluster.routes["GET", f"{V2}/recurringruns"](None)[1]["recurringRuns"]  # type: ignore[operator]
    other = recorded("recurring-list")[1]["recurringRuns"][0]

    def pages(request: Request) -> tuple[int, Any]:
        last = "page_token" in request.query
        return 200, {"recurringRuns": [other]} if last else {"recurringRuns": [first], "next_page_token": "2"}

    cluster.routes["GET", f"{V2}/recurringruns"] = pages
    assert schedule("list") == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.partition(", next")[0] for line in printed] == [
        "every2min: */2 * * * *, paused",
        "nightly: 30 2 * * 1, enabled",
    ]
    assert schedule("list", "--json") == 0
    assert [found["name"] for found in json.loads(capsys.readouterr().out)] == ["every2min", "nightly"]


@pytest.mark.parametrize(
    ("verb", "method", "path"),
    [("pause", "POST", "id-0:disable"), ("resume", "POST", "id-0:enable"), ("delete", "DELETE", "id-0")],
)
def test_one_schedule_by_its_name_or_id(cluster: FakeCluster, verb: str, method: str, path: str) -> None:
    for name in ("nightly", "id-0"):
        has_schedules(cluster, {"display_name": "nightly"}, {"display_name": "other"})
        assert schedule(verb, name) == 0
        assert cluster.made(method)[-1] == (f"{V2}/recurringruns/{path}", None)


def test_a_name_that_is_not_there_or_not_clear_is_one_line(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    has_schedules(cluster, {"display_name": "nightly"}, {"display_name": "nightly"})
    assert schedule("pause", "nightly") == schedule("delete", "nightlyy") == 1
    printed = capsys.readouterr().err
    assert "which id-0, id-1 have" in printed
    assert "It has: nightly, nightly" in printed
    assert cluster.made("POST") == cluster.made("DELETE") == []


@pytest.mark.parametrize("command", ["next", "diff", "apply"])
def test_times_that_the_controller_does_not_keep_are_not_listed(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert schedule(command, file=NIGHTLY + "    time_zone: Europe/Berlin\n") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "KFP fires every schedule by its controller's clock" in printed.err.splitlines()[-1]


@pytest.mark.parametrize("cron", ["0 2 * * *", "@daily", "*/5 * * * MON-FRI"])
def test_a_cron_in_place_of_a_file_is_told_where_it_belongs(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], cron: str
) -> None:
    assert schedule("next", cron) == 2
    said = capsys.readouterr().err
    assert f'Received: the cron "{cron}" in its place.' in said
    assert schedule("next", file=said.rstrip().partition("schedules.yaml: ")[2]) == 0, "what it says to write is right"


def test_a_wrong_cron_in_place_of_a_file_is_told_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert schedule("next", "0 0 2 ? * MON") == 2
    assert capsys.readouterr().err.rstrip().endswith('Leave out the seconds: "0 2 * * MON".')


def test_next_asks_no_cluster_and_says_both_clocks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAWLINE_KFP_HOST", raising=False)
    assert schedule("next", "--count", "2", file=f"controller_time_zone: Asia/Tokyo\n{NIGHTLY}") == 0
    first, *times = capsys.readouterr().out.splitlines()
    assert first == "nightly: 30 2 * * 1 in Asia/Tokyo"
    assert len(times) == 2
    assert all(" 02:30 at the controller (Asia/Tokyo)" in time for time in times)
    assert schedule("next", "--json") == 0
    [found] = json.loads(capsys.readouterr().out)
    assert found["kfp"] == {"cron_schedule": {"cron": "0 30 2 * * 1"}}


@pytest.mark.parametrize(
    ("file", "code", "said"),
    [
        (NIGHTLY.replace("30 2 * * 1", "0 30 2 * * 1"), 2, 'Leave out the seconds: "30 2 * * 1"'),
        (NIGHTLY + "    time_zone: Europe/Paris\n", 2, "KFP fires every schedule by its controller's clock"),
        (NIGHTLY.replace("epochs: 3", "epochs: -3"), 2, "epochs"),
        (NIGHTLY.replace("gpu_count", "gpus"), 2, "A parameter must be one of the pipeline's"),
        (None, 2, "schedules.yaml"),
    ],
)
def test_a_bad_file_is_one_line_and_the_cluster_is_not_asked(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], file: str | None, code: int, said: str
) -> None:
    assert schedule("apply", file=file) == code
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
    assert not cluster.requests


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (recorded("recurring-create-refused-cron"), 1, "Schedule cron is not a supported format"),
        ((403, {"message": "no"}), 1, "must know and admit you"),
        ((401, b"<html>"), 1, "must know and admit you"),
        ((200, b"<html>log in</html>"), 1, "perhaps to a login page"),
        ((302, b""), 1, "perhaps to a login page"),
        ((503, b""), 1, "must answer"),
    ],
)
def test_what_the_server_refuses_is_one_line(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], answer: Any, code: int, said: str
) -> None:
    has_version(cluster)
    cluster.routes["POST", f"{V2}/recurringruns"] = answer
    assert schedule("apply", file=NIGHTLY) == code
    printed = capsys.readouterr().err.splitlines()
    assert said in printed[-1]
    assert len(printed) == 2  # Which server was met, and what is wrong.
    assert TOKEN not in "".join(printed)


def test_an_older_server_answers_with_less(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.routes["GET", f"{V2}/healthz"] = (200, {"multi_user": False})
    cluster.routes["GET", f"{V2}/pipelines"] = (
        200,
        {"pipelines": [{"pipeline_id": PIPELINE_ID, "display_name": "pawline"}]},
    )
    assert schedule("apply", file=NIGHTLY) == 0
    assert "KFP API of the time of 2.5" in capsys.readouterr().err
    cluster.routes["GET", f"{V2}/healthz"] = (200, {"tag_name": "2.5.0"})
    assert schedule("list") == 0
    assert "KFP API 2.5.0" in capsys.readouterr().err


def test_a_kfp_1_is_named_as_what_it_is(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    del cluster.routes["GET", f"{V2}/healthz"]
    assert schedule("list") == 1
    assert "a KFP 1 or something else answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "code", "said"),
    [
        (None, 2, "A cluster's KFP API must be named"),
        ("http://127.0.0.1:1", 1, "Connection refused"),
        ("http://me:pass@kfp.test", 2, "without user, password or query"),
        ("ftp://kfp.test", 2, "http(s) address"),
        ("http://[", 2, "http(s) address"),
        ("http://x:99999", 2, "http(s) address"),
    ],
)
def test_a_server_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, host: str | None, code: int, said: str
) -> None:
    monkeypatch.delenv("PAWLINE_KFP_HOST", raising=False)
    assert schedule("list", *(["--host", host] if host else [])) == code
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
    assert "pass" not in printed.replace("password", "")


def test_a_ca_bundle_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWLINE_KFP_CA_BUNDLE", "/no/such/file")
    assert schedule("list", "--host", "https://kfp.test") == 2
    assert "PAWLINE_KFP_CA_BUNDLE must be a file" in capsys.readouterr().err
