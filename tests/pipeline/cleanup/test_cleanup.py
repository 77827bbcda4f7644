"""`pawline clean`: what can go is shown, removed on demand only, and never what a run still needs."""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.dataset.snapshot import Dataset
from components.step.addresses import sqlite_uri
from components.tracking import sending
from components.tracking.tracker import open_tracker
from pipeline.cli.main import main
from pipeline.local.hold import held_by_a_run
from pipeline.local.record import RunRecord, StepState
from pipeline.local.tracking import tracking_environment
from tests.support.patience import PATIENCE
from tests.support.recorded_runs import write
from tests.support.sealed_files import seal_again
from tests.support.small_datasets import SAMPLES
from tests.support.small_datasets import write as small_dataset


def key(number: int) -> str:
    """Return the sha256-like name of thing `number`."""
    return hashlib.sha256(bytes([number])).hexdigest()


def made(
    runs: Path, number: int, status: str = "succeeded", logged: bool = True, verdict: str = "kept champion"
) -> Path:
    """Write run `number`: dataset and checkpoint of that number, one day younger than the one before."""
    folder = runs / f"run{number}"
    steps = [StepState(name, "succeeded") for name in ("extract", "split", "train", "promote")]
    steps[0].parameters["fingerprint"] = key(number)
    steps[3].parameters["verdict"] = verdict
    record = RunRecord(folder, "pawline", {}, steps, status)  # type: ignore[arg-type]  # tests try others
    record.started = record.started.replace(year=2026, month=1, day=1 + number)
    (folder / "train").mkdir(parents=True)
    record.write()
    said = f"the checkpoint is kept as {key(100 + number)}\nfeatures are kept as {key(200 + number)}\n"
    (folder / "train" / "log.txt").write_text(said if logged else "nothing")
    for place in shared(number):
        write(runs / place / "content", number)
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for number in range(4):
        made(tmp_path / "runs", number)
    return tmp_path / "runs"


def cleaned(runs: Path, capsys: Any, *words: str) -> set[str]:
    """Return what `pawline clean` lists, relative to the runs."""
    assert main(["clean", "--runs", str(runs), "--json", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    return {str(Path(item["path"]).relative_to(runs)) for item in found["items"]}


def shared(number: int) -> set[str]:
    return {
        f"datasets/{key(number)}",
        f"datasets/checkpoints/{key(100 + number)}",
        f"datasets/features/{key(200 + number)}",
    }


def files(runs: Path) -> set[str]:
    return {str(path.relative_to(runs)) for path in runs.rglob("*") if path.is_file()}


def test_it_is_shown_first_and_removed_with_yes(runs: Path, capsys: Any) -> None:
    (runs / "datasets" / "mine").mkdir()
    (runs / "notes.txt").write_text("mine")
    before = files(runs)
    expected = {"run0", "run1", *shared(0), *shared(1)}
    # Shared things of a run that is to go are unreferenced as soon as it is gone: at once, in one plan.
    assert cleaned(runs, capsys, "--keep", "2") == expected
    assert files(runs) == before
    assert cleaned(runs, capsys, "--keep", "2", "--yes") == expected
    assert files(runs) == {name for name in before if not any(name.startswith(f"{gone}/") for gone in expected)}
    assert cleaned(runs, capsys, "--keep", "2") == set()


def test_runs_that_stay_keep_what_they_lean_on(runs: Path, capsys: Any) -> None:
    def took_over(record: dict[str, Any]) -> dict[str, Any]:
        record["steps"][0]["reused_from"] = "run0"
        return record

    seal_again(runs / "run3" / "run.json", took_over)
    made(runs, 5, verdict="promoted")
    made(runs, 6)
    assert cleaned(runs, capsys, "--keep", "1") == {f"run{n}" for n in (0, 1, 2, 3)} | set().union(
        *map(shared, range(4))
    )
    assert cleaned(runs, capsys, "--keep", "3") == {"run1", "run2", *shared(1), *shared(2)}


def test_a_live_run_keeps_itself_and_what_runs_share(runs: Path, capsys: Any) -> None:
    seal_again(runs / "run0" / "run.json", lambda record: record | {"status": "running"})
    with held_by_a_run(runs / "run0"):
        assert cleaned(runs, capsys, "--keep", "0", "--yes") == {"run1", "run2", "run3"}
    assert (runs / "run0" / "run.json").exists()
    assert len(list((runs / "datasets" / "features").iterdir())) == 4


def test_a_run_that_does_not_say_what_it_shares_keeps_all_of_it(runs: Path, capsys: Any) -> None:
    made(runs, 4, logged=False)
    assert cleaned(runs, capsys, "--keep", "1") == {f"run{n}" for n in range(4)} | {
        f"datasets/{key(n)}" for n in range(4)
    }


def test_a_damaged_run_stays_and_what_runs_share(runs: Path, capsys: Any) -> None:
    (runs / "run0" / "run.json").write_text("{")
    assert cleaned(runs, capsys, "--keep", "1") == {"run1", "run2"}


def test_links_are_neither_followed_nor_removed(runs: Path, tmp_path: Path, capsys: Any) -> None:
    made(tmp_path / "others", 0)
    (runs / "link").symlink_to(tmp_path / "others" / "run0")
    (runs / "datasets" / "features" / key(9)).symlink_to(tmp_path / "others")
    before = files(tmp_path / "others")
    cleaned(runs, capsys, "--keep", "0", "--yes")
    assert files(tmp_path / "others") == before
    assert (runs / "link").is_symlink()


def test_queues_that_nobody_takes_and_leftovers_go(runs: Path, capsys: Any) -> None:
    for number, days in ((2, 40), (3, 1)):
        queue = runs / f"run{number}" / "test" / "tracking-queue"
        write(queue / "a.jsonl", {})
        os.utime(queue / "a.jsonl", (time.time() - days * 86_400,) * 2)
    (runs / "datasets" / ".partial-x").mkdir()
    assert cleaned(runs, capsys) == {"run2/test/tracking-queue", "datasets/.partial-x"}


def test_a_run_goes_only_when_mlflow_has_all_of_it(runs: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, days in ((0, 40), (1, 1), (3, 1)):
        leave_events(runs / f"run{number}", days)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # Where nobody listens.
    monkeypatch.setattr(sending, "WAIT_SECONDS", 0.5)
    assert cleaned(runs, capsys, "--keep", "1") == {"run0", "run1", "run2", *shared(0), *shared(1), *shared(2)}
    assert main(["clean", "--runs", str(runs), "--keep", "1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "has not got 2 events of it" in shown
    assert "a run of which it does not take all stays" in shown
    # One that MLflow has not taken for more than a month is not waited for, and named.
    assert main(["clean", "--runs", str(runs), "--keep", "1", "--yes"]) == 0
    printed = capsys.readouterr().out
    assert "run1 stays: MLflow has not got 2 events of it" in printed
    assert f"To send them: pawline deliver --runs {runs}" in printed
    assert "has not got 2 events of it" in " ".join(printed.partition("removed")[0].split())
    left = {folder.name for folder in runs.iterdir()}
    assert left == {"run1", "run3", "datasets"}
    assert files(runs) >= {f"{place}/content" for place in shared(1)}, "what it may still need"


def test_what_waits_is_sent_before_its_run_goes(
    runs: Path, empty_database: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WAIT_SECONDS", PATIENCE)
    shutil.copy(empty_database, runs / "mlflow.db")
    target = sqlite_uri(runs / "mlflow.db")
    leave_events(runs / "run0", 1, target)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # Tracking is off: nothing is sent, and nothing is lost.
    assert cleaned(runs, capsys, "--keep", "3", "--yes") == set()
    assert main(["clean", "--runs", str(runs), "--keep", "3", "--yes"]) == 0
    assert f"run0 stays: MLflow has not got 2 events of it; set MLFLOW_TRACKING_URI to {target}" in (
        capsys.readouterr().out
    )
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert cleaned(runs, capsys, "--keep", "3", "--yes") == {"run0", *shared(0)}
    with closing(sqlite3.connect(runs / "mlflow.db")) as database:
        assert database.execute("select name from runs").fetchall() == [("run0",)]


def leave_events(run: Path, days: int, target: str = "http://127.0.0.1:9") -> None:
    """Leave two events for the MLflow at `target` in the folder `run`, as a step does that cannot send them."""
    environment = tracking_environment(run) | {"MLFLOW_TRACKING_URI": target}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("components.tracking.tracker.start_sending", lambda queue, _: sending.Sending(queue, None))
        tracker = open_tracker(environment, queue_folder=run / "tracking", key="train")
        tracker.start("train", {}, {}, None)
        assert tracker.finish("FINISHED") == 2
    for path in (run / "tracking").iterdir():
        os.utime(path, (time.time() - days * 86_400,) * 2)


def test_what_mlflow_refuses_for_good_is_named(runs: Path, empty_database: Path, capsys: Any) -> None:
    shutil.copy(empty_database, runs / "mlflow.db")
    leave_events(runs / "run0", 1, sqlite_uri(runs / "mlflow.db"))
    [events] = (runs / "run0" / "tracking").glob("*.jsonl")
    events.write_text(events.read_text() + '{"kind": "metrics"}\n')
    assert main(["clean", "--runs", str(runs), "--keep", "3", "--yes"]) == 0
    assert "MLflow refused 1 event for good, e.g.: " in capsys.readouterr().out
    assert not (runs / "run0").exists()


def test_what_mlflow_keeps_is_mentioned(runs: Path, capsys: Any) -> None:
    write(runs / "mlartifacts" / "model", "x" * 1_500_000)
    assert main(["clean", "--runs", str(runs)]) == 0
    assert f"MLflow's own copies stay, 1.5 MB in {runs / 'mlartifacts'}" in capsys.readouterr().out


def test_names_of_64_digits_are_short_and_still_one_thing(runs: Path, capsys: Any) -> None:
    alike = [f"{'ab' * 6}{end}{'0' * 51}" for end in (1, 2)]
    for name in alike:
        (runs / "datasets" / "features" / name).mkdir()
    assert main(["clean", "--runs", str(runs), "--keep", "1"]) == 0
    shown = "".join(capsys.readouterr().out.split())
    assert not re.search("[0-9a-f]{64}", shown)
    names = re.findall("[0-9a-f]{8,}…", shown)
    assert len(names) == len(set(names)) == 11


@pytest.mark.parametrize(
    ("keep", "why"), [("0", "no run is to stay"), ("1", "older than the last"), ("2", "older than the last 2")]
)
def test_why_a_run_may_go_is_said_in_words(runs: Path, keep: str, why: str, capsys: Any) -> None:
    assert main(["clean", "--runs", str(runs), "--keep", keep, "--json"]) == 0
    reasons = {item["reason"] for item in json.loads(capsys.readouterr().out)["items"] if item["kind"] == "run"}
    assert reasons == {why}


@pytest.mark.parametrize("words", [["--keep", "-1"], ["--runs", "nowhere"]])
def test_what_cannot_be_cleaned_is_one_line(words: list[str], capsys: Any) -> None:
    assert main(["clean", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def with_parts(runs: Path, number: int, *labels: str) -> Dataset:
    """Give run `number` a dataset of a part for each ten samples, of which the first have `labels`."""
    samples = [replace(s, label=label) for s, label in zip(SAMPLES, labels, strict=False)] + SAMPLES[len(labels) :]
    dataset = small_dataset(runs / "datasets", samples, per_part=10)

    def has(record: dict[str, Any]) -> dict[str, Any]:
        record["steps"][0]["outputs"]["fingerprint"] = dataset.fingerprint
        return record

    seal_again(runs / f"run{number}" / "run.json", has)
    return dataset


def test_parts_go_when_no_dataset_that_stays_has_them(tmp_path: Path, capsys: Any) -> None:
    runs = tmp_path / "runs"
    for number in range(2):
        made(runs, number)
        shutil.rmtree(runs / "datasets" / key(number))
    older, newer = with_parts(runs, 0), with_parts(runs, 1, "owl")
    assert older.content.parts == newer.content.parts
    stray = runs / "datasets" / "parts" / f"part-{'0' * 32}.parquet"  # Of an extract that was killed.
    stray.write_text("x")
    gone = cleaned(runs, capsys, "--keep", "1", "--yes")
    assert {name for name in gone if "part-" in name} == {str(stray.relative_to(runs))}
    assert f"datasets/{older.fingerprint}" in gone
    assert len(list(newer.images(newer.samples()))) == len(SAMPLES)
    gone = cleaned(runs, capsys, "--keep", "0")
    assert {name for name in gone if "part-" in name} == {f"datasets/parts/{part}" for part in newer.content.parts}


def test_parts_stay_where_a_dataset_that_stays_cannot_be_asked_for_its(tmp_path: Path, capsys: Any) -> None:
    runs = tmp_path / "runs"
    made(runs, 0)
    shutil.rmtree(runs / "datasets" / key(0))
    dataset = with_parts(runs, 0)
    (Path(dataset.uri) / "dataset.json").write_text("{")
    assert cleaned(runs, capsys, "--keep", "1") == set()
