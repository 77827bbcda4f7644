"""One pipeline run is one run in MLflow, in whatever order and however late its steps' events arrive."""

import itertools
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.step.own_processes import own_environment
from components.tracking import queue, sending
from components.tracking.mlflow_run import BUNDLE_TAG
from components.tracking.sender import send
from components.tracking.shared_run import queue_folder
from components.tracking.tracker import open_tracker
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
STEPS = ("train", "test", "promote")


@pytest.fixture
def uri(empty_database, tmp_path) -> str:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.fixture
def client(uri, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setattr("components.tracking.tracker.start_sending", lambda queue, _: sending.Sending(queue, None))
    return MlflowClient(uri)


def local(folder: Path, uri: str, run: str = "monday-1") -> dict[str, str]:
    """Return the environment of a step of the run `run` on this machine."""
    return {
        "MLFLOW_TRACKING_URI": uri,
        "PAWLINE_RUN": run,
        "PAWLINE_RUN_NAME": "monday",
        "PAWLINE_TRACKING_QUEUE": str(folder),
    }


def track(step: str, environment: dict[str, str], folder: Path, status: str = "FINISHED", **options: str) -> None:
    """Track a step with one parameter and one metric, and leave it all in the queue."""
    time.sleep(0.002)  # No step ends in the millisecond in which another does.
    tracker = open_tracker(environment, queue_folder=folder, key=step, **options)
    tracker.start(step, {f"{step}_size": 3}, {}, None)
    tracker.metrics({f"{step}_value": 0.5})
    tracker.finish(status)


def runs(client) -> list:
    found = [experiment.experiment_id for experiment in client.search_experiments()]
    return client.search_runs(found)


@pytest.mark.parametrize("order", list(itertools.permutations(STEPS)))
def test_the_steps_are_one_run_in_whatever_order_they_are_sent(client, uri, tmp_path, order):
    statuses = {"train": "FINISHED", "test": "FAILED", "promote": "FINISHED"}
    before = time.time()
    for step in STEPS:
        track(step, local(tmp_path / "q", uri), tmp_path / "q", statuses[step])
    began = queue.began(tmp_path / "q")
    assert before <= began / 1000 + 0.001
    for step in order:
        assert send(client, tmp_path / "q", step) == ""
    [run] = runs(client)
    assert (run.info.run_name, run.info.status) == ("monday", "FINISHED")  # As the last step said.
    assert run.info.start_time == began  # As the first did.
    assert set(run.data.params) == {f"{step}_size" for step in STEPS}
    assert set(run.data.metrics) == {f"{step}_value" for step in STEPS}
    place = queue.read_place(tmp_path / "q")
    assert (place["run_id"], place["experiment_id"]) == (run.info.run_id, run.info.experiment_id)
    assert queue.keys(tmp_path / "q") == []


def test_the_last_step_says_how_the_run_ended_also_where_an_earlier_one_arrives_later(client, uri, tmp_path):
    track("train", local(tmp_path / "q", uri), tmp_path / "q")
    track("test", local(tmp_path / "q", uri), tmp_path / "q", "FAILED")
    for step in ("test", "train"):
        send(client, tmp_path / "q", step)
    [run] = runs(client)
    assert run.info.status == "FAILED"


def test_the_same_bundle_trained_in_two_runs_here_is_two_runs(client, uri, tmp_path):
    for name in ("monday-1", "tuesday-2"):
        for step in ("train", "test"):
            track(step, local(tmp_path / name, uri, name), tmp_path / name, bundle="abc")
    for name, step in (("monday-1", "train"), ("monday-1", "test"), ("tuesday-2", "test"), ("tuesday-2", "train")):
        send(client, tmp_path / name, step)
    assert [set(run.data.params) for run in runs(client)] == [{"train_size", "test_size"}] * 2


def test_on_a_cluster_what_was_taken_over_from_an_earlier_run_is_gone_on_with_there(client, uri, tmp_path):
    """Kubeflow's cache gives today's test the bundle of yesterday's training, whose run has another name."""
    tracker = open_tracker({"MLFLOW_TRACKING_URI": uri, "PAWLINE_RUN": "yesterday"}, queue_folder=tmp_path / "a")
    tracker.start("train", {"epochs": 3}, {}, None)
    tracker.tags({BUNDLE_TAG: "abc"})
    tracker.finish("FINISHED")
    track("test", {"MLFLOW_TRACKING_URI": uri, "PAWLINE_RUN": "today"}, tmp_path / "b", bundle="abc")
    track("other", {"MLFLOW_TRACKING_URI": uri, "PAWLINE_RUN": "today"}, tmp_path / "c", bundle="def")
    for folder in ("a", "b", "c"):
        [key] = queue.keys(tmp_path / folder)
        assert send(client, tmp_path / folder, key) == ""
    both = {frozenset(run.data.params) for run in runs(client)}
    assert both == {frozenset({"epochs", "test_size"}), frozenset({"other_size"})}


def test_a_step_that_kubeflow_made_a_run_of_is_tracked_in_the_run_of_its_pipeline(client, uri, tmp_path):
    experiment = client.create_experiment("kfp", str(tmp_path / "files"))
    whole = client.create_run(experiment, tags={"kfp.pipeline_run_id": "p"}).info.run_id
    step = client.create_run(experiment, tags={"mlflow.parentRunId": whole}).info.run_id
    mine = client.create_run(experiment).info.run_id
    nested = client.create_run(experiment, tags={"mlflow.parentRunId": mine}).info.run_id
    for number, run_id in enumerate((step, nested)):
        folder = tmp_path / str(number)
        track("train", {"MLFLOW_TRACKING_URI": uri, "MLFLOW_RUN_ID": run_id, "PAWLINE_RUN": "p"}, folder)
        assert send(client, folder, "train") == ""
    tracked = {run.info.run_id for run in runs(client) if run.data.params}
    assert tracked == {whole, nested}  # A person's own nested run stays what it is.
    assert {run.info.status for run in runs(client)} == {"RUNNING"}
    assert "mlflow.sharedViewState.pawline" in client.get_experiment(experiment).tags  # What links lead to.


def test_two_senders_at_once_make_one_run(client, uri, tmp_path):
    for step in STEPS:
        track(step, local(tmp_path / "q", uri), tmp_path / "q")
    code = """if 1:
        import sys; from pathlib import Path
        from components.tracking.connection import connect; from components.tracking.sender import send
        client = connect({"MLFLOW_TRACKING_URI": sys.argv[1]})
        print("ready", flush=True); sys.stdin.readline()
        print(send(client, Path(sys.argv[2]), sys.argv[3]))"""
    senders = [
        subprocess.Popen(
            [sys.executable, "-c", code, uri, str(tmp_path / "q"), step],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for step in STEPS
    ]  # fmt: skip
    try:
        assert [sender.stdout.readline() for sender in senders] == ["ready\n"] * 3
        said = []
        for sender in senders:
            sender.stdin.write("\n")
            sender.stdin.flush()
        said = [sender.communicate(timeout=PATIENCE)[0] for sender in senders]
    finally:
        for sender in senders:
            sender.kill()
            sender.communicate()
    assert said == ["\n"] * 3
    assert len(runs(client)) == 1


def test_a_step_alone_keeps_its_events_beside_its_output(tmp_path):
    assert queue_folder(tmp_path / "train" / "bundle", {}) == tmp_path / "train" / "tracking-queue"
    assert queue_folder(tmp_path / "x", {"PAWLINE_TRACKING_QUEUE": "/runs/a/tracking"}) == Path("/runs/a/tracking")


def test_a_run_with_a_hostile_name_is_found_again(client, uri, tmp_path):
    for step in ("train", "test"):
        track(step, local(tmp_path / "q", uri, "it's `a` \N{SNOWMAN} run\n" + "x" * 300), tmp_path / "q")
        assert send(client, tmp_path / "q", step) == ""
    assert len(runs(client)) == 1


def test_a_queue_of_an_earlier_version_is_still_sent(client, uri, tmp_path):
    track("train", {"MLFLOW_TRACKING_URI": uri}, tmp_path / "q")
    path = tmp_path / "q" / "train.jsonl"
    events = [json.loads(line.partition("\t")[0]) for line in path.read_text().splitlines()]
    for name in ("run", "bundle", "known"):
        del events[0][name]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    (tmp_path / "q" / "train.state.json").write_text('{"sent": 0, "run_id": "", "creating": false, "busy": false}')
    assert send(client, tmp_path / "q", "train") == ""
    assert runs(client)[0].info.status == "FINISHED"


class Process:
    """A process that sends `pace` events every `interval` seconds of a clock that the waiting moves."""

    def __init__(self, clock: list[float], ends: float = 1e9) -> None:
        self.clock, self.ends, self.ended = clock, ends, False

    def poll(self):
        return 0 if self.ended or self.clock[0] >= self.ends else None

    def terminate(self):
        self.ended = True

    def wait(self, timeout=None):
        return 0

    kill = terminate


@pytest.mark.parametrize(
    ("what", "interval", "busy_until", "ends", "costs"),
    [
        ("never answers", 1e9, 0.0, 1e9, (4.0, 4.1)),
        ("answers after 3 s", 3.0, 0.0, 1e9, (4.0, 5.0)),
        ("answers after 0.9 s", 0.9, 0.0, 12.0, (11.9, 12.1)),
        ("answers at once and has much to take", 0.1, 0.0, 1e9, (30.0, 30.1)),
        ("never answers, after imports of 3 s", 1e9, 3.0, 1e9, (4.0, 4.1)),
        ("answers at once, after imports of 7 s", 0.5, 7.0, 9.0, (8.9, 9.1)),
    ],
)
def test_who_waits_for_mlflow_does_so_as_long_as_it_goes_well(monkeypatch, what, interval, busy_until, ends, costs):
    clock = [0.0]
    monkeypatch.setattr(sending.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(sending.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    process = Process(clock, ends)
    sending.wait_while_well(process, lambda: (int(clock[0] / interval), clock[0] < busy_until))
    assert costs[0] <= clock[0] <= costs[1], what


def test_a_short_step_is_left_to_whoever_sends_later(tmp_path):
    """What would follow its queue ends with it, and has imported no MLflow, which would have made the database."""
    folder, uri = tmp_path / "q", f"sqlite:///{tmp_path}/mlflow.db"
    written = queue.open_queue(folder, "test")
    written.append({"kind": "tags", "tags": {}})
    command = [sys.executable, "-m", "components.tracking", str(folder), "--follow", "test"]
    environment = {**own_environment(), **local(folder, uri)}
    subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, timeout=PATIENCE, check=True)
    assert not (tmp_path / "mlflow.db").exists()
    assert queue.count_unsent(folder, "test") == 1
    written.close()
