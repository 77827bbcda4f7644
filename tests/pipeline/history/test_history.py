"""Runs that are there: named by id, folder or `last`; listed, shown, opened; damaged ones too."""

import json
import os
import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from rich.console import Console

from components.step.errors import DataError, ServiceError, UsageError
from pipeline.cli.main import main
from pipeline.history.overview import RunOverview, all_runs
from pipeline.history.table import print_runs
from pipeline.local.hold import held_alone, held_by_a_run
from pipeline.local.record import RunRecord, StepState, recorded_values
from pipeline.local.recorded import read_record
from pipeline.local.references import bundle_of, find_run
from tests.support.patience import PATIENCE
from tests.support.recorded_runs import write, write_bundle
from tests.support.sealed_files import seal_again

ROOT = Path(__file__).parents[3]
THIS_PROCESS = "from components.step.owner import this_process; print(this_process())"
NAMES = ("extract", "split", "train", "test", "promote")


def made(runs: Path, run_id: str, day: int = 1, status: str = "succeeded", bundle: bool = True) -> Path:
    """Write a run's record, statistics and test report as a run of `day` leaves them."""
    folder = runs / run_id
    steps = [StepState(name, "succeeded", 61.0) for name in NAMES]
    steps[0].parameters["fingerprint"] = "5c" * 32
    steps[4].parameters["verdict"] = "first model"
    record = RunRecord(folder, "pawline", {"backbone": "small_cnn", "epochs": 3}, steps, status, 7384.0)  # type: ignore[arg-type]  # tests try others
    record.started = record.started.replace(year=2026, month=1, day=day)
    folder.mkdir(parents=True)
    record.write()
    write(folder / "test" / "statistics.json", {"accuracy": 0.85, "accuracy_interval_95": [0.71, 0.93]})
    (folder / "test" / "report.html").write_text("<p>report")
    files = {"statistics": "statistics.json", "report": "report.html"}
    artifacts = {name: {"artifacts": [{"uri": f"/moved/{file}"}]} for name, file in files.items()}
    write(folder / "test" / "executor_input.json", {"outputs": {"artifacts": artifacts}})
    if bundle:
        write_bundle(folder / "train" / "bundle", "5c" * 32, "small_cnn")
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three runs, of which the one begun last is neither the last by name nor by time of writing."""
    made(tmp_path / "runs", "b", day=3)
    made(tmp_path / "runs", "a", day=1)
    made(tmp_path / "runs", "z", day=2, bundle=False)
    return tmp_path / "runs"


def test_a_run_is_found_by_id_folder_and_last(runs: Path) -> None:
    assert find_run("a", runs) == find_run(str(runs / "a"), Path("elsewhere")) == runs / "a"
    assert find_run("last", runs) == runs / "b"
    assert bundle_of("last", runs) == str(runs / "b" / "train" / "bundle")
    assert bundle_of(str(runs / "a" / "train" / "bundle"), runs) == str(runs / "a" / "train" / "bundle")
    for uri in ("s3://models/pets", "models:/pawline@champion", "file:///models/pets"):
        assert bundle_of(uri, runs) == uri


@pytest.mark.parametrize("name", ["executor_input.json", "executor_output.json"])
@pytest.mark.parametrize("damage", [b"{", b"\xff", b"[" * 100_000], ids=["cut", "no text", "deep"])
def test_which_file_of_a_run_is_damaged_is_said(name: str, damage: bytes, runs: Path) -> None:
    (runs / "a" / "test" / name).write_bytes(damage)
    with pytest.raises(DataError, match=f"test/{name}: "):
        read_record(runs / "a")


def test_a_damaged_record_is_never_the_last(runs: Path) -> None:
    made(runs, "broken", day=4)
    (runs / "broken" / "run.json").write_text("{")
    assert find_run("last", runs) == runs / "b"


@pytest.mark.parametrize("name", ["", "bb", "last", "x" * 5000, "a\0b", "../elsewhere"])
def test_what_is_no_run_is_one_line(name: str, tmp_path: Path) -> None:
    if name == "bb":
        made(tmp_path, "b")
    with pytest.raises(UsageError) as refusal:
        bundle_of(name, tmp_path)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 1000
    assert ("Did you mean b?" in str(refusal.value)) == (name == "bb")


def test_a_run_without_bundle_says_so(runs: Path) -> None:
    with pytest.raises(DataError, match=r"must have trained to have a bundle\. Received: z"):
        bundle_of("z", runs)


def test_runs_are_listed_the_last_first_with_what_they_have(runs: Path, capsys: Any) -> None:
    made(runs, "broken", day=4)
    (runs / "broken" / "run.json").write_text("[]")
    (runs / "datasets").mkdir()
    assert main(["runs", "--runs", str(runs), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [run["run_id"] for run in found] == ["b", "z", "a", "broken"]
    assert found[0] == {
        "run_id": "b", "status": "succeeded", "started": found[0]["started"], "seconds": 7384.0, "accuracy": 0.85,
        "accuracy_interval_95": [0.71, 0.93], "backbone": "small_cnn", "dataset": "5c" * 32, "promotion": "first model",
    }  # fmt: skip
    assert found[3]["status"] == "damaged"


@pytest.mark.parametrize("columns", [50, 80])
def test_the_list_is_legible(runs: Path, columns: int) -> None:
    interval, network, verdict = (0.98, 1.0), "efficientnet_lite0", "not enough evidence"
    long = RunOverview("20260101-120000-c12-2", "succeeded", None, 7384.0, 1.0, interval, network, "5c" * 32, verdict)
    console = Console(width=columns, highlight=False, file=None, record=True)
    with console.capture() as captured:
        print_runs(console, [*all_runs(runs), long])
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= columns
    text = "".join(line.strip() for line in lines)
    for word in ("succeeded", "2 h 03 min", "85.0%", "71–93 %", "5c5c5c5c"):  # noqa: RUF001  # As shown.
        assert word in text, word
    assert "…" not in captured.get()


def test_no_runs_are_no_error(tmp_path: Path, capsys: Any) -> None:
    assert main(["runs", "--runs", str(tmp_path / "none")]) == 0
    assert "no runs" in capsys.readouterr().out


def test_last_is_the_run_begun_last_whatever_others_are_called(runs: Path, capsys: Any) -> None:
    made(runs, "last", day=2)  # As a version of Pawline could make one.
    assert find_run("last", runs) == (runs / "b").resolve()
    assert find_run(str(runs / "last"), runs) == (runs / "last").resolve()
    assert main(["show", "lats", "--runs", str(runs)]) == 2
    assert "Did you mean last?" in capsys.readouterr().err


def test_one_run_is_shown_whole(runs: Path, capsys: Any) -> None:
    assert main(["show", "last", "--runs", str(runs)]) == 0
    shown = capsys.readouterr().out
    for text in ("run b: succeeded", "test accuracy", "first model", "epochs  3", "03 Jan 2026", "2 h 03 min"):
        assert text in shown
    assert main(["show", "last", "--runs", str(runs), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"] == {"backbone": "small_cnn", "epochs": 3}
    assert found["artifacts"]["test"]["report"] == str(runs / "b" / "test" / "report.html")


def test_a_run_that_nobody_runs_any_more_is_stopped_and_says_how_to_go_on(runs: Path, capsys: Any) -> None:
    folder = made(runs, "orphan", day=5, status="running")
    assert read_record(folder).status == "running"
    ended = subprocess.run([sys.executable, "-c", THIS_PROCESS], cwd=ROOT, capture_output=True, text=True, check=True)
    seal_again(folder / "run.json", lambda values: values | {"owner": ended.stdout.strip()})
    assert read_record(folder).status == "stopped"
    assert written_status(folder) == "stopped", "what it shows it also says on disk"
    assert main(["show", "orphan", "--runs", str(runs)]) == 0
    assert f"  pawline run --resume orphan --runs {runs}\n" in capsys.readouterr().out


@pytest.mark.parametrize("goes_on", [True, False])
def test_how_long_a_run_went_is_shown_while_it_goes_and_after_it_was_killed(
    runs: Path, goes_on: bool, capsys: Any
) -> None:
    folder = made(runs, "long", day=5, status="running", bundle=False)
    (folder / "train").mkdir(exist_ok=True)
    (folder / "train" / "log.txt").write_text("at it\n")
    ended = subprocess.run([sys.executable, "-c", THIS_PROCESS], cwd=ROOT, capture_output=True, text=True, check=True)

    def trains(values: dict[str, Any]) -> dict[str, Any]:
        steps = [step | ({"status": "running"} if step["name"] == "train" else {}) for step in values["steps"]]
        return values | {"steps": steps} | ({} if goes_on else {"owner": ended.stdout.strip()})

    seal_again(folder / "run.json", trains)
    written = time.time() - 5000
    os.utime(folder / "run.json", (written, written))
    os.utime(folder / "train" / "log.txt", (written + 600, written + 600))
    least, most = (5000, 5000 + PATIENCE) if goes_on else (600, 600.1)
    for _ in range(2):  # What a list has written down is not counted again.
        found = read_record(folder)
        train = next(state for state in found.steps if state.name == "train")
        assert (found.status, train.status) == (("running", "running") if goes_on else ("stopped", "stopped"))
        assert least <= found.seconds - 7384 <= most
        assert least <= train.seconds - 61 <= most
    assert main(["runs", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["seconds"] >= 7384 + least


def written_status(folder: Path) -> str:
    found: dict[str, str] = json.loads((folder / "run.json").read_text())
    return found["status"]


def test_a_stopped_runs_record_is_mended_whole_by_the_next_list_and_only_where_nobody_is_at_work(runs: Path) -> None:
    folder = made(runs, "orphan", day=5, status="running")
    ended = subprocess.run([sys.executable, "-c", THIS_PROCESS], cwd=ROOT, capture_output=True, text=True, check=True)
    seal_again(folder / "run.json", lambda values: values | {"owner": ended.stdout.strip()})
    before = recorded_values(folder)
    with held_by_a_run(folder):  # As one that goes on with it, before it has written its first state.
        assert main(["runs", "--runs", str(runs)]) == 0
        assert recorded_values(folder) == before
    with held_alone(runs) as ours:  # As `clean` does, which must not wait for itself.
        assert ours
        assert main(["runs", "--runs", str(runs)]) == 0
    steps = [{**step, "status": step["status"].replace("running", "stopped")} for step in before["steps"]]
    assert recorded_values(folder) == before | {"status": "stopped", "steps": steps}


def test_a_record_that_cannot_be_written_is_shown_all_the_same(
    runs: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(runs, "orphan", day=5, status="running")
    ended = subprocess.run([sys.executable, "-c", THIS_PROCESS], cwd=ROOT, capture_output=True, text=True, check=True)
    seal_again(folder / "run.json", lambda values: values | {"owner": ended.stdout.strip()})
    monkeypatch.setattr("pipeline.local.recorded.write_json", Mock(side_effect=ServiceError("read-only")))
    assert main(["runs", "--runs", str(runs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["status"] == "stopped"
    assert written_status(folder) == "running"


def test_a_report_is_opened_where_there_is_a_display_and_its_link_is_printed(
    runs: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    link = (runs / "b" / "test" / "report.html").as_uri()
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert main(["open", "last", "--runs", str(runs)]) == 0
    monkeypatch.setenv("DISPLAY", ":0")
    assert main(["open", "b", "--report", "test", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out == f"{link}\n{link}\n"
    assert opened == [link]
    assert main(["open", "b", "--report", "train", "--runs", str(runs)]) == 1
    assert "It has: test." in capsys.readouterr().err
