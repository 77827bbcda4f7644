"""What steps of a run could not send to MLflow is sent at its end, by the next run, or said with the command for it."""

import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from components.step.addresses import sqlite_uri
from components.tracking import queue, sending
from components.tracking.tracker import open_tracker
from pipeline.cli.main import main
from pipeline.local.delivery import deliver, undelivered
from pipeline.local.tracking import mlflow_of, tracking_environment
from tests.support.fake_pipeline import FakeStep, fake_spec, write_fake
from tests.support.patience import PATIENCE

TRACK = """
import os
from pathlib import Path
from components.tracking.shared_run import queue_folder
from components.tracking.tracker import open_tracker
tracker = open_tracker(os.environ, queue_folder=queue_folder(Path("unused")), key="train")
tracker.start("train", {"size": 1}, {}, None)
tracker.finish("FINISHED")
"""
QUIET = Console(quiet=True)


@pytest.fixture
def runs(empty_database, tmp_path, monkeypatch):
    """A folder of runs in which two steps of the run "a" have left their events."""
    folder = tmp_path / "runs"
    (folder / "a").mkdir(parents=True)
    shutil.copy(empty_database, folder / "mlflow.db")
    with monkeypatch.context() as patch:
        patch.setattr("components.tracking.tracker.start_sending", lambda queue, _: sending.Sending(queue, None))
        for step in ("train", "test"):
            environment = {"MLFLOW_TRACKING_URI": "unused", **tracking_environment(folder / "a")}
            environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
            tracker = open_tracker(environment, queue_folder=folder / "a" / "tracking", key=step)
            tracker.start(step, {f"{step}_size": 1}, {}, None)
            tracker.metrics({f"{step}_value": 0.5})
            assert tracker.finish("FINISHED") == 3
    monkeypatch.setattr(sending, "WAIT_SECONDS", PATIENCE)  # What is late on a busy machine is not what is tested.
    return folder


def mean_for(path: Path, before: str, mlflow: str) -> None:
    """Let the events at `path` be meant for `mlflow` instead; without digests, as lines of older queues."""
    texts = [line.partition("\t")[0] for line in path.read_text().splitlines()]
    path.write_text("".join(f"{text.replace(before, mlflow)}\n" for text in texts))


def rows(runs, query: str) -> list[tuple]:
    with closing(sqlite3.connect(runs / "mlflow.db")) as database:
        return database.execute(query).fetchall()


def test_all_is_sent_and_nothing_is_said(runs):
    assert undelivered(runs).left == 6
    assert deliver(runs, QUIET).as_results() == {}
    assert rows(runs, "select name, status from runs") == [("a", "FINISHED")]
    assert rows(runs, "select count(*) from metrics") == [(2,)]
    assert rows(runs, "select value from experiment_tags where key = 'mlflow.experimentKind'") == [
        ("custom_model_development",)
    ]
    assert queue.read_place(runs / "a" / "tracking")["run_id"]
    assert undelivered(runs).left == 0
    assert deliver(runs, QUIET).as_results() == {}


def test_what_is_left_is_said_with_the_command_that_delivers_it(runs, monkeypatch, capsys):
    monkeypatch.chdir(runs.parent)
    shutil.move(runs / "mlflow.db", runs / "away.db")
    (runs / "mlflow.db").mkdir()
    left = deliver(runs, QUIET).as_results()["not delivered"]
    assert left.startswith("6 events to MLflow (")
    assert left.endswith("The next run, or: pawline deliver --runs runs")
    assert main(["deliver", "--runs", "runs"]) == 1
    assert "6 events kept; try later." in capsys.readouterr().err
    (runs / "mlflow.db").rmdir()
    shutil.move(runs / "away.db", runs / "mlflow.db")
    assert main(["deliver", "--runs", "runs"]) == 0
    assert capsys.readouterr().out == "MLflow has all events of these runs\n"
    assert rows(runs, "select count(*) from metrics") == [(2,)]


def test_events_for_another_mlflow_are_named_and_not_said_to_be_there(runs, monkeypatch, capsys):
    here = mlflow_of(runs)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri(runs / "other.db"))
    assert main(["deliver", "--runs", str(runs)]) == 0
    printed = capsys.readouterr().out
    assert printed == f"6 events kept for another MLflow, {here}: set MLFLOW_TRACKING_URI to it\n"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert main(["deliver", "--runs", str(runs)]) == 0
    assert capsys.readouterr().out == "MLflow has all events of these runs\n"


def test_events_for_two_mlflows_of_one_run_are_told_apart(runs, monkeypatch, capsys):
    """A run that was gone on with while another MLflow was named, as the one before was away."""
    path = runs / "a" / "tracking" / "train.jsonl"
    mean_for(path, mlflow_of(runs), "http://127.0.0.1:9")
    assert undelivered(runs).left == 3
    assert deliver(runs, QUIET).as_results() == {}
    assert main(["deliver", "--runs", str(runs)]) == 0
    assert (
        capsys.readouterr().out
        == "3 events kept for another MLflow, http://127.0.0.1:9: set MLFLOW_TRACKING_URI to it\n"
    )


def test_a_run_says_what_is_left_and_the_next_run_in_the_folder_sends_it(empty_database, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(sending, "WAIT_SECONDS", PATIENCE)  # What is late on a busy machine is not what is tested.
    write_fake(tmp_path / "p.yaml", fake_spec(FakeStep("train", TRACK)))
    run = ["run", "--pipeline", "p.yaml", "--runs", "my runs", "--run-id"]
    (tmp_path / "my runs" / "mlflow.db").mkdir(parents=True)
    assert main([*run, "first"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "not delivered 2 events to MLflow (" in printed
    assert "The next run, or: pawline deliver --runs 'my runs'" in printed
    (tmp_path / "my runs" / "mlflow.db").rmdir()
    shutil.copy(empty_database, tmp_path / "my runs" / "mlflow.db")
    assert main([*run, "second"]) == 0
    assert "not delivered" not in capsys.readouterr().out
    found = rows(tmp_path / "my runs", "select name, status from runs order by start_time")
    assert found == [("first", "FINISHED"), ("second", "FINISHED")]


def test_a_server_that_never_answers_is_given_up(runs, monkeypatch):
    monkeypatch.setattr(sending, "WAIT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:hunter2@127.0.0.1:{server.getsockname()[1]}")
        for key in ("train", "test"):  # Meant for this MLflow.
            path = runs / "a" / "tracking" / f"{key}.jsonl"
            mean_for(path, f"sqlite:///{runs}/mlflow.db", public(server))
        left = deliver(runs, QUIET)
    assert left.left == 6
    assert "hunter2" not in str(left)


def test_ctrl_c_ends_the_sending_and_not_the_summary(runs, monkeypatch):
    def interrupted(process, *_):
        process.kill()
        process.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.local.delivery.wait_while_well", interrupted)
    assert deliver(runs, QUIET).left == 6


def public(server) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_events_of_a_step_at_work_are_its_own(runs):
    with (runs / "a" / "tracking" / "train.jsonl").open("ab"):
        writer = queue.open_queue(runs / "a" / "tracking", "train")
        assert undelivered(runs).left == 3
        writer.close()
    assert undelivered(runs).left == 6


def test_nothing_is_sent_where_tracking_is_off(runs, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert deliver(runs, QUIET).as_results() == {}
    assert rows(runs, "select count(*) from runs") == [(0,)]


def test_deliver_needs_a_folder_of_runs(tmp_path, capsys):
    assert main(["deliver", "--runs", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_run_that_goes_on_is_the_same_run_and_another_of_its_name_is_not(tmp_path):
    first, again, other = (tracking_environment(tmp_path / name / "a") for name in ("x", "x", "y"))
    assert first == again
    assert first["PAWLINE_RUN"] != other["PAWLINE_RUN"]
    assert first["PAWLINE_RUN_NAME"] == other["PAWLINE_RUN_NAME"] == "a"
