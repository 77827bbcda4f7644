"""Tracking: MLflow gets each event once, whatever happens to it or to us; a training never waits or fails for it."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.addresses import sqlite_uri
from components.step.errors import UsageError
from components.tracking import queue, sending
from components.tracking.connection import is_there
from components.tracking.events import check_tracking_uri, legal_name, public_uri, without_secrets
from components.tracking.tracker import NoTracker, TrackedDataset, open_tracker
from tests.support.fault_proxy import fault_proxy
from tests.support.flips import flipped
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
DATASET = TrackedDataset("s3://bucket/datasets/abc", "f" * 64, 12)
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}


@pytest.fixture
def store(empty_database, tmp_path):
    """The folder of a fresh MLflow database."""
    (tmp_path / "store").mkdir()
    shutil.copy(empty_database, tmp_path / "store" / "mlflow.db")
    return tmp_path / "store"


@pytest.fixture
def waiting(monkeypatch):
    """Nothing is sent while tracking: all of it is left for the replay."""
    monkeypatch.setattr("components.tracking.tracker.start_sending", lambda queue, _: sending.Sending(queue, None))


@pytest.fixture
def patient(monkeypatch):
    """A run's end waits until all is sent: what is late on a busy machine is not what is tested."""
    monkeypatch.setattr(sending, "WAIT_SECONDS", PATIENCE)


def environment(store: Path, **more: str) -> dict[str, str]:
    return {**CLEAN, "MLFLOW_TRACKING_URI": f"sqlite:///{store}/mlflow.db", **more}


def rows(store: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        return database.execute(query).fetchall()


def replay(folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "components.tracking", str(folder)],
        cwd=ROOT, env=env, check=False, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def track(env: dict[str, str], folder: Path, epochs: int = 3, key: str = "") -> int:
    tracker = open_tracker(env, queue_folder=folder, key=key)
    tracker.start("train", {"epochs": epochs, "s3_secret": "hidden"}, {"git_commit": "abc"}, DATASET)
    for step in range(1, epochs + 1):
        tracker.epoch(step, {"loss": 1 / step})
    tracker.metrics({"recall of Käse/süß: 100%": 0.5})
    return tracker.finish("FINISHED")


def test_a_run_arrives_complete_while_it_goes_on(store, tmp_path, patient, caplog):
    (tmp_path / "report.html").write_text("<p>report")
    tracker = open_tracker(environment(store), queue_folder=tmp_path / "queue")
    tracker.start("train", {"epochs": 2, "s3_secret": "hidden"}, {"git_commit": "abc"}, DATASET)
    tracker.epoch(1, {"loss": 0.5, "odd: [name]": float("nan")})
    tracker.artifact(tmp_path / "report.html", "reports")
    tracker.artifact(tmp_path / "missing.html", "reports")
    tracker.metrics({"accuracy": 0.9})
    assert tracker.finish("FINISHED") == 0
    [warning] = caplog.messages
    assert "refused 1 event " in warning
    assert "missing.html" in warning
    [(name, status, artifacts)] = rows(store, "select name, status, artifact_uri from runs")
    assert (name, status) == ("train", "FINISHED")
    assert Path(artifacts.removeprefix("file://"), "reports", "report.html").read_text() == "<p>report"
    assert artifacts.startswith(f"file://{store}/mlartifacts/")
    assert rows(store, "select key, value from params") == [("epochs", "2")]
    assert ("git_commit", "abc") in rows(store, "select key, value from tags")
    found = set(rows(store, "select key, step, value, is_nan from metrics"))
    assert found == {("loss", 1, 0.5, 0), ("odd_ _name_", 1, 0.0, 1), ("accuracy", 0, 0.9, 0)}
    [(digest, source)] = rows(store, "select digest, dataset_source from datasets")
    assert digest == "f" * 36
    assert "f" * 64 in source
    assert list((tmp_path / "queue").iterdir()) == []


def test_what_was_not_sent_is_sent_once_by_the_replay(store, tmp_path, waiting, caplog):
    assert track(environment(store), tmp_path / "queue", epochs=300) == 303
    assert "python -m components.tracking" in caplog.text
    assert len(caplog.records) == 1
    done = replay(tmp_path / "queue", environment(store))
    assert (done.returncode, done.stdout.split()[-1]) == (0, "sent")
    assert replay(tmp_path / "queue", environment(store)).stdout == "nothing to send\n"
    assert rows(store, "select count(*), count(distinct step) from metrics where key = 'loss'") == [(300, 300)]
    assert rows(store, "select name, status from runs") == [("train", "FINISHED")]


def test_a_sender_killed_between_sending_and_writing_it_down_sends_nothing_twice(store, tmp_path, waiting):
    track(environment(store), tmp_path / "queue")
    [key] = queue.keys(tmp_path / "queue")
    shutil.copytree(tmp_path / "queue", tmp_path / "as it was")
    assert replay(tmp_path / "queue", environment(store)).returncode == 0
    queue.write_state(tmp_path / "as it was", key, queue.State(creating=True))  # All was sent, nothing written down.
    assert replay(tmp_path / "as it was", environment(store)).returncode == 0
    assert rows(store, "select count(*) from runs") == [(1,)]
    assert rows(store, "select count(*) from metrics") == [(4,)]
    assert rows(store, "select count(*) from datasets") == [(1,)]


def test_a_run_begun_by_somebody_else_is_gone_on_with_and_not_ended(store, tmp_path, waiting):
    track(environment(store), tmp_path / "queue")
    replay(tmp_path / "queue", environment(store))
    [(run_id,)] = rows(store, "select run_uuid from runs")
    with closing(sqlite3.connect(store / "mlflow.db")) as database, database:
        database.execute("update runs set status = 'RUNNING', end_time = null, name = 'theirs'")
        database.execute("update params set value = 'theirs' where key = 'epochs'")
    track(environment(store, MLFLOW_RUN_ID=run_id), tmp_path / "queue", epochs=5)
    assert replay(tmp_path / "queue", environment(store)).returncode == 0
    assert rows(store, "select name, status from runs") == [("theirs", "RUNNING")]
    assert rows(store, "select max(step) from metrics") == [(5,)]
    assert rows(store, "select value from params") == [("theirs",)]


def test_a_killed_run_with_a_key_is_gone_on_with(store, tmp_path, patient):
    code = f"""if 1:
        import os, signal; from pathlib import Path
        from components.tracking.tracker import open_tracker
        from components.tracking import sending
        from components.tracking import tracker
        tracker.start_sending = lambda queue, _: sending.Sending(queue, None)
        run = open_tracker(os.environ, queue_folder=Path({str(tmp_path / "queue")!r}), key="training-1")
        run.start("train", {{}}, {{}}, None)
        run.epoch(1, {{"loss": 1.0}})
        os.kill(os.getpid(), signal.SIGKILL)"""
    killed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(store), check=False)
    assert killed.returncode == -9
    with (tmp_path / "queue" / "training-1.jsonl").open("ab") as file:
        file.write(b'{"kind": "metr')  # Cut by the kill.
    assert replay(tmp_path / "queue", environment(store)).returncode == 0
    assert rows(store, "select status from runs") == [("KILLED",)]
    tracker = open_tracker(environment(store), queue_folder=tmp_path / "queue", key="training-1")
    tracker.start("train", {}, {}, None)
    tracker.epoch(2, {"loss": 0.5})
    assert tracker.finish("FINISHED") == 0
    assert rows(store, "select status from runs") == [("FINISHED",)]
    assert sorted(rows(store, "select step, value from metrics")) == [(1, 1.0), (2, 0.5)]


def test_a_database_that_cannot_be_written_keeps_everything_until_it_can(empty_database, tmp_path, patient, caplog):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mlflow.db").mkdir()  # A folder in its place: as unusable for root as for others.
    assert track(environment(tmp_path / "store"), tmp_path / "queue") == 6
    assert "unable to open database file" in caplog.text
    assert "\n" not in caplog.messages[0]
    (tmp_path / "store" / "mlflow.db").rmdir()
    shutil.copy(empty_database, tmp_path / "store" / "mlflow.db")
    assert replay(tmp_path / "queue", environment(tmp_path / "store")).returncode == 0
    assert rows(tmp_path / "store", "select count(*) from metrics") == [(4,)]


@pytest.mark.parametrize("fault", ["refuses", "hangs"])
def test_a_server_that_is_away_delays_nothing(tmp_path, fault, caplog):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if fault == "refuses":
            server.close()
        began = time.monotonic()
        env = {**CLEAN, "MLFLOW_TRACKING_URI": f"http://user:hunter2@127.0.0.1:{port}"}
        tracker = open_tracker(env, queue_folder=tmp_path / "queue")
        tracker.start("train", {}, {}, DATASET)
        for step in range(1000):
            tracker.epoch(step, {"loss": 0.5})
        assert time.monotonic() - began < PATIENCE  # Had each waited for the server, it would be hours.
        began = time.monotonic()
        assert tracker.finish("FAILED") == 1002
        assert time.monotonic() - began < sending.WAIT_SECONDS + PATIENCE
    assert len(caplog.messages) == 1
    assert "1,002 events" in caplog.messages[0]
    assert "hunter2" not in caplog.text
    assert not any(b"hunter2" in file.read_bytes() for file in (tmp_path / "queue").iterdir())


def test_the_next_tracker_sends_what_an_earlier_one_left(store, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("components.tracking.tracker.start_sending", lambda queue, _: sending.Sending(queue, None))
        assert track(environment(store), tmp_path / "queue") == 6
    tracker = open_tracker(environment(store), queue_folder=tmp_path / "queue")
    tracker.start("next", {}, {}, None)
    until = time.monotonic() + PATIENCE
    while len(queue.keys(tmp_path / "queue")) > 1 and time.monotonic() < until:
        time.sleep(0.2)
    assert set(rows(store, "select name, status from runs")) == {("train", "FINISHED"), ("next", "RUNNING")}
    tracker.finish("FINISHED")


@pytest.fixture
def server(store):
    """The port of MLflow's own server over `store`."""
    code = """if 1:
        import sys
        from werkzeug.serving import make_server
        from mlflow.server import app
        server = make_server("127.0.0.1", 0, app, threaded=True)
        print(server.port, flush=True)
        server.serve_forever()"""
    env = {
        **CLEAN,
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{store}/mlflow.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": f"{store}/files",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "false",
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    yield int(process.stdout.readline())
    process.kill()
    process.communicate()


def test_a_server_that_spoils_its_answers_gets_each_event_once(store, server, tmp_path, waiting):
    plans = {"create": [None, "truncate"], "log-batch": ["500", "503", "403", "truncate", "reset"]}

    def plan(request):
        for name, faults in plans.items():
            if request.path.endswith(f"/{name}") and faults:
                return faults.pop(0)
        return None

    with fault_proxy(server) as proxy:
        proxy.plan = plan
        env = {**CLEAN, "MLFLOW_TRACKING_URI": proxy.url}
        track(env, tmp_path / "queue", epochs=50)
        attempts = [replay(tmp_path / "queue", env)]
        while attempts[-1].returncode and len(attempts) < 12:
            attempts.append(replay(tmp_path / "queue", env))
        assert not any(plans.values())
    assert [done.returncode for done in attempts] == [1] * (len(attempts) - 1) + [0], attempts[-1]
    assert len(attempts) > 4
    assert all(done.stderr.count("\n") == 1 for done in attempts[:-1])
    assert rows(store, "select name, status from runs") == [("train", "FINISHED")]
    assert rows(store, "select count(*), count(distinct step) from metrics where key = 'loss'") == [(50, 50)]


@pytest.mark.parametrize("name", ["a b%20c#d?e é", "x?y", "plain"])
def test_the_replay_finds_the_database_by_itself_and_makes_none_elsewhere(empty_database, tmp_path, waiting, name):
    folder = tmp_path / "project" / name
    folder.mkdir(parents=True)
    shutil.copy(empty_database, folder / "mlflow.db")
    track({**CLEAN, "MLFLOW_TRACKING_URI": sqlite_uri(folder / "mlflow.db")}, folder / "queue")
    done = replay(folder / "queue", CLEAN)
    assert (done.returncode, done.stdout.split()[-1]) == (0, "sent"), done
    assert rows(folder, "select name, status from runs") == [("train", "FINISHED")]
    assert [path for path in tmp_path.rglob("*.db") if path.parent != folder] == []


def test_a_queue_whose_database_is_gone_is_kept_and_none_is_made(tmp_path, waiting):
    track({**CLEAN, "MLFLOW_TRACKING_URI": sqlite_uri(tmp_path / "gone.db")}, tmp_path / "queue")
    done = replay(tmp_path / "queue", CLEAN)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done
    assert queue.keys(tmp_path / "queue")
    assert not (tmp_path / "gone.db").exists()


@pytest.mark.parametrize("uri", ["http://user:pass@127.0.0.1:9/x", "http://127.0.0.1:9/x?key=1"])
def test_an_address_to_be_shown_is_never_dialled(tmp_path, waiting, uri):
    track({**CLEAN, "MLFLOW_TRACKING_URI": uri}, tmp_path / "queue")
    done = replay(tmp_path / "queue", CLEAN)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
    assert "MLFLOW_TRACKING_URI must say where to send" in done.stderr
    assert queue.keys(tmp_path / "queue")


def test_another_mlflows_queue_is_left_alone(store, tmp_path, waiting):
    track({**CLEAN, "MLFLOW_TRACKING_URI": "http://mlflow.example"}, tmp_path / "queue")
    assert "another MLflow" in replay(tmp_path / "queue", environment(store)).stdout
    assert queue.keys(tmp_path / "queue")
    assert rows(store, "select count(*) from runs") == [(0,)]


def test_without_mlflow_nothing_is_tracked(tmp_path):
    tracker = open_tracker({}, queue_folder=tmp_path / "queue")
    assert isinstance(tracker, NoTracker)
    assert track({}, tmp_path / "queue") == 0
    assert not (tmp_path / "queue").exists()


def test_a_queue_that_cannot_be_made_is_one_warning(store, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    assert track(environment(store), tmp_path / "file" / "queue") == 0
    assert len(caplog.messages) == 1
    assert "Not a directory" in caplog.text


def test_a_full_queue_loses_the_rest_and_says_so(store, tmp_path, waiting, caplog, monkeypatch):
    monkeypatch.setattr(queue, "MAX_BYTES", 2000)
    left = track(environment(store), tmp_path / "queue", epochs=50)
    assert f"{53 - left} did not fit in and are lost" in caplog.text
    assert sum(file.stat().st_size for file in (tmp_path / "queue").iterdir()) <= 2000


def test_two_trackers_with_one_key_write_two_queues(store, tmp_path):
    first, second = (queue.open_queue(tmp_path, "same") for _ in range(2))
    assert first.key == "same" != second.key
    for each in (first, second):
        each.append({"kind": "metrics"})
        each.close()
    assert [len(queue.read_events(tmp_path, key, 0, 10)) for key in queue.keys(tmp_path)] == [1, 1]
    again = queue.open_queue(tmp_path, "same")
    assert again.key == "same"
    again.close()


@pytest.mark.parametrize(
    "uri", ["htp://host", "localhost:5000", "http://", "mlruns", "http://host:port", "sqlit:///a.db", "https://[", " "]
)
def test_an_address_that_cannot_be_one_is_refused_at_once(uri, tmp_path):
    with pytest.raises(
        UsageError, match=r"^MLFLOW_TRACKING_URI must be .* Received: MLFLOW_TRACKING_URI=.*\.$"
    ) as error:
        open_tracker({"MLFLOW_TRACKING_URI": uri}, queue_folder=tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "uri",
    ["http://mlflow:5000", "https://user:pass@host/mlflow", "sqlite:////runs/mlflow.db", "postgresql+psycopg2://db/x"],
)
def test_an_address_is_taken(uri):
    check_tracking_uri(uri)


def test_passwords_are_left_out_of_addresses():
    assert public_uri("https://user:pass@host:1/a?token=1#x") == "https://host:1/a"
    assert public_uri("sqlite:////runs/mlflow.db") == "sqlite:////runs/mlflow.db"
    with pytest.raises(UsageError) as error:
        check_tracking_uri("htp://user:hunter2@host")
    assert "hunter2" not in str(error.value)


def test_secrets_are_left_out_of_parameters():
    given_values = {
        "aws_secret_access_key": "1",
        "MLFLOW_TRACKING_TOKEN": "2",
        "uri": "s3://me:pw@b/x?sig=3",
        "seed": 4,
    }
    assert without_secrets(given_values) == {"uri": "s3://b/x", "seed": "4"}


@given(st.text() | st.text("a/. :", max_size=6) | st.integers(240, 260).map(lambda length: "a" * length + "/b"))
def test_every_name_becomes_one_that_mlflow_takes(name):
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(legal_name(name))


@given(st.lists(st.dictionaries(st.text(), st.floats() | st.text(), max_size=3), max_size=5), st.data())
def test_a_queue_cut_anywhere_gives_the_events_before_the_cut(events, data):
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        writer = queue.open_queue(folder, "q")
        for event in events:
            writer.append(event)
        writer.close()
        whole = (folder / "q.jsonl").read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        (folder / "q.jsonl").write_bytes(whole[:cut])
        found = [event for _, event in queue.read_events(folder, "q", 0, 100)]
        assert repr(found) == repr(events[: whole[:cut].count(b"\n")])


def test_every_flipped_bit_of_an_event_is_found(tmp_path):
    event = {"kind": "metrics", "step": 3, "metrics": {"accuracy": 0.85}}
    path = tmp_path / "q.jsonl"
    for _ in range(2):
        writer = queue.open_queue(tmp_path, "q")
        writer.append(event)
        writer.close()
    for damaged in flipped(path.read_bytes()):
        path.write_bytes(damaged)
        found = [event for _, event in queue.read_events(tmp_path, "q", 0, 100)]
        assert found in ([event, {}], [{}, event], [{}], [event])  # The last two: one of the line ends was hit.
    path.write_text(f"{json.dumps(event)}\n")  # As an older version has left it.
    assert [event for _, event in queue.read_events(tmp_path, "q", 0, 100)] == [event]


def test_a_damaged_event_is_told_and_the_others_are_sent(store, tmp_path, waiting):
    folder = tmp_path / "queue"
    track(environment(store), folder)
    path = next(folder.glob("*.jsonl"))
    whole = path.read_bytes()
    assert whole.count(b'"kind": "metrics"')
    path.write_bytes(whole.replace(b'"kind": "metrics"', b'"kine": "metrics"', 1))
    done = replay(folder, CLEAN)
    assert "damaged on disk" in done.stdout + done.stderr
    assert rows(store, "SELECT count(*) FROM runs") == [(1,)]


def test_a_queue_that_cannot_be_read_does_not_hold_up_the_others(store, tmp_path, waiting):
    folder = tmp_path / "queue"
    folder.mkdir()
    lines = {"a": b"\x00 no events\n", "b": b"[" * 100_000 + b"\n", "c": b'{"kind": "of another version"}\n'}
    for key, line in lines.items():
        (folder / f"{key}.jsonl").write_bytes(line)
        os.utime(folder / f"{key}.jsonl", (1, 1))
    track(environment(store), folder)
    done = replay(folder, CLEAN)
    assert done.returncode == 0, done.stderr
    assert rows(store, "SELECT count(*) FROM runs") == [(1,)]


@pytest.mark.parametrize("state", ['{"sent": "3"}', '{"sent": -1}', '{"sent": null}', "[1]", "{" * 9, '{"new": 1}'])
def test_a_damaged_state_is_a_fresh_one_of_a_run_that_may_have_been_created(state, tmp_path):
    (tmp_path / "key.jsonl").write_text("{}\n")
    (tmp_path / "key.state.json").write_text(state)
    assert queue.read_state(tmp_path, "key") == queue.State(creating=True)
    assert queue.count_unsent(tmp_path, "key") == 1


def test_every_flipped_bit_of_the_state_is_found(tmp_path):
    assert queue.read_state(tmp_path, "key") == queue.State()
    state = queue.State(1234, "run", busy=True)
    queue.write_state(tmp_path, "key", state)
    path = tmp_path / "key.state.json"
    whole = path.read_bytes()
    for damaged in flipped(whole):
        path.write_bytes(damaged)
        assert queue.read_state(tmp_path, "key") == queue.State(creating=True)
    path.write_bytes(whole)
    assert queue.read_state(tmp_path, "key") == state


def test_a_deleted_experiment_does_not_stop_tracking(store, tmp_path, patient):
    assert track(environment(store), tmp_path / "queue") == 0
    with closing(sqlite3.connect(store / "mlflow.db")) as database:
        database.execute("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'pawline'")
        database.commit()
    assert track(environment(store), tmp_path / "queue") == 0
    assert rows(store, "SELECT name FROM experiments WHERE lifecycle_stage = 'active' AND name LIKE 'pawline%'") == [
        ("pawline-2",)
    ]


ANSWERS = {
    "well": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
    "that it has no such page": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", True),
    "nonsense": (b"220 mail.test ESMTP\r\n", False),
    "nothing": (b"", False),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_is_there_if_it_answers_soon(answer):
    said, there = ANSWERS[answer]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with server.accept()[0] as connection, suppress(OSError):
                connection.sendall(said)
                connection.recv(1000)
                connection.recv(1000)  # Until the other hangs up.

        thread = threading.Thread(target=serve)
        thread.start()
        found = is_there(f"http://me:secret@127.0.0.1:{server.getsockname()[1]}/x/", 60.0 if there else 0.2)
        thread.join()
    assert found == there


@pytest.mark.parametrize(("uri", "there"), [("http://127.0.0.1:9", False), ("postgresql://db.test/x", True)])
def test_no_server_is_not_there_and_a_database_is_taken_to_be(uri, there):
    assert is_there(uri) == there
