"""The `pawline` command as a person uses it: exit codes, one-line errors, what it prints and where it writes."""

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from components.step.addresses import sqlite_path
from components.step.durations import duration
from components.tracking.events import public_uri
from components.tracking.queue import State, write_place
from pipeline.cli.main import main
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.local.display import RunDisplay, print_summary
from pipeline.local.record import RunRecord, StepState
from pipeline.local.results import headline_results
from tests.support.fake_pipeline import FakeStep, fake_spec, write_fake

ROOT = Path(__file__).parents[3]
BESIDE_RUNS = ("last", "LAST", "datasets", "Datasets", "sample", "cluster", "mlartifacts", "mlflow.db", "mlflow.db-wal")
TALK = FakeStep("talk", "import sys; print('hello', sys.argv[1])", ("{{$.inputs.parameters['who']}}",), {"who": "who"})


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    parameters = {"who": ("STRING", "world"), "dataset_store": ("STRING", "s3://x"), "annotations_uri": ("STRING", "s3://a"),
                  "images_uri": ("STRING", "s3://i")}  # fmt: skip
    return write_fake(tmp_path / "p.yaml", fake_spec(TALK, parameters=parameters))


def run(fake: Path, *arguments: str) -> int:
    return main(["run", "--pipeline", str(fake), "--runs", str(fake.parent / "runs"), *arguments])


def parameters_of(run_folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_folder / "run.json").read_text(encoding="utf-8"))["parameters"]
    return found


def test_a_run_shows_each_line_with_its_step_and_ends_with_a_table(
    fake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(fake, "--param", "who=you", "--run-id", "first") == 0
    printed = capsys.readouterr()
    assert [line[9:] for line in printed.err.splitlines()[:2]] == ["talk    | running", "talk    | hello you"]
    assert "succeeded" in printed.out
    assert "run first: succeeded" in printed.out
    assert (fake.parent / "runs" / "first" / "talk" / "log.txt").read_text() == "hello you\n"


def test_a_runs_datasets_lie_beside_the_runs_unless_said_otherwise(fake: Path) -> None:
    assert run(fake, "--run-id", "a") == run(fake, "--run-id", "b", "--param", "dataset_store=s3://mine") == 0
    runs = fake.parent / "runs"
    assert parameters_of(runs / "a")["dataset_store"] == str(runs / "datasets")
    assert parameters_of(runs / "b")["dataset_store"] == "s3://mine"


def test_the_sample_is_written_once_and_its_uris_are_given(fake: Path) -> None:
    assert run(fake, "--sample", "--run-id", "a") == run(fake, "--sample", "--run-id", "b") == 0
    sample = fake.parent / "runs" / "sample"
    given = parameters_of(fake.parent / "runs" / "b")
    assert (given["annotations_uri"], given["images_uri"]) == (str(sample / "annotations.json"), str(sample / "images"))
    assert len(list((sample / "images").iterdir())) == 400


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--param", "whom=x"], "Did you mean who?"),
        (["--param", "who"], "name=value"),
        (["--run-id", "../x"], "--run-id must be"),
        (["--run-id", ""], "--run-id must be"),
        (["--run-id", ".x"], "a letter or digit first"),
        *((["--run-id", name], "has a use for") for name in BESIDE_RUNS),
        (["--sample", "--param", "images_uri=x"], "--sample brings its own images"),
        (["--pipeline", "absent.yaml"], "must be a compiled KFP YAML"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    fake: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(fake, *arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("pawline: error: ")
    assert not (fake.parent / "runs").exists()


def test_a_run_id_is_used_once(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(fake, "--run-id", "a") == 0
    assert run(fake, "--run-id", "a") == 2
    assert "which exists" in capsys.readouterr().err


def test_runs_in_the_same_second_have_folders_of_their_own(fake: Path) -> None:
    assert [run(fake) for _ in range(3)] == [0, 0, 0]
    assert len(list((fake.parent / "runs").glob("*/run.json"))) == 3


def test_runs_that_cannot_be_written_are_one_line(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fake.parent / "file").write_text("")
    assert main(["run", "--pipeline", str(fake), "--runs", str(fake.parent / "file")]) == 1
    assert "--runs must be a writable folder" in capsys.readouterr().err


def test_a_failed_step_gives_its_exit_code_and_its_last_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import sys\nfor i in range(40): print('line', i)\nprint('\\x1b[31mred \\x9b and ü')\nsys.exit(4)"
    fake = write_fake(tmp_path / "p.yaml", fake_spec(FakeStep("bad", code)))
    assert run(fake) == 4
    printed = capsys.readouterr()
    ending = [line.partition(" | ")[2] or line for line in printed.err.splitlines()]
    assert ending[1:41] == [f"line {i}" for i in range(40)]  # Each once, though the run fails.
    assert ending[41] == "\\x1b[31mred \\x9b and ü"
    assert ending[-1].startswith("pawline: error: A step must end with exit code 0. Received: bad=4. Read ")
    assert "failed" in printed.out


def test_the_sample_command_writes_the_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(tmp_path / "s")]) == 0
    assert f"annotations_uri={tmp_path / 's' / 'annotations.json'}" in capsys.readouterr().out


def test_the_summary_reads_well_at_60_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statistics = {
        "ok": 34,
        "ko": 6,
        "total": 40,
        "accuracy": 0.85,
        "accuracy_interval_95": [0.709, 0.929],
        "macro_f1": 0.8437,
    }
    (tmp_path / "statistics.json").write_text(json.dumps(statistics))
    steps = [StepState(name, "succeeded", 61.2) for name in ("extract", "split", "train", "test")]
    steps[0].parameters["fingerprint"] = "f" * 64
    steps[3].artifacts["statistics"] = {"uri": str(tmp_path / "statistics.json")}
    steps[3].artifacts["report"] = {"uri": str(tmp_path / "test" / "report.html")}
    record = RunRecord(tmp_path, "pawline", {}, steps, "succeeded")
    print_summary(Console(width=60, highlight=False), record, headline_results(record))
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if "/" not in line and "ffff" not in line) <= 60
    assert "test accuracy  0.8500 (95 %: 0.71 to 0.93), 34 of 40" in lines
    assert "macro F1       0.8437" in lines
    assert f"test report    {tmp_path}/test/report.html" in lines  # whole, to be copied
    assert f"dataset        {'f' * 64}" in lines


def test_lists_that_hold_something_are_named(tmp_path: Path) -> None:
    test = StepState("test", "succeeded")
    test.artifacts["metrics"] = {"metadata": {"suspected_label_errors": 3, "near_duplicates": 0}}
    for name in ("label_errors", "near_duplicates"):
        test.artifacts[name] = {"uri": str(tmp_path / f"{name}.csv")}
    results = headline_results(RunRecord(tmp_path, "pawline", {}, [test], "succeeded"))
    assert results["doubtful labels"] == f"3: {tmp_path}/label_errors.csv"
    assert "near-duplicates" not in results


def test_a_run_without_results_is_summed_up_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = RunRecord(tmp_path, "pawline", {}, [StepState("extract", "failed", 0.2), StepState("test")], "failed")
    print_summary(Console(width=60), record, headline_results(record))
    assert "waiting" in capsys.readouterr().out


def test_the_summary_says_how_to_see_the_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    train = StepState("train", "succeeded")
    train.artifacts["tensorboard"] = {"uri": str(tmp_path / "my runs" / "a" / "train" / "tensorboard")}
    record = RunRecord(tmp_path / "my runs" / "a", "pawline", {}, [train], "succeeded")
    results = headline_results(record)
    assert shlex.split(results["TensorBoard"]) == ["tensorboard", "--logdir", "my runs/a/train/tensorboard"]
    assert "MLflow" not in results
    (tmp_path / "my runs").mkdir()
    (tmp_path / "my runs" / "mlflow.db").write_text("")
    assert shlex.split(headline_results(record)["MLflow"]) == [
        "mlflow", "ui", "--backend-store-uri", "sqlite:///my runs/mlflow.db"
    ]  # fmt: skip
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.test")
    assert "MLflow" not in headline_results(record)


@pytest.mark.parametrize(
    "name", ["runs", "my runs", "100%", "a%20b", "c#d", "q?x", "it's", 'say "hi"', "é", "b\\c", "$x;y"]
)
def test_mlflow_is_shown_the_database_and_makes_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """MLflow makes the folder of what it takes for the path: the address, with `%23` as it stands there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mlflow").write_text('#!/bin/sh\npwd\necho "$3"\n')
    (tmp_path / "bin" / "mlflow").chmod(0o755)
    store = tmp_path / name / "mlflow.db"
    store.parent.mkdir()
    store.write_text("")
    command = headline_results(RunRecord(tmp_path / name / "a", "pawline", {}, [], "succeeded"))["MLflow"]
    environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    said = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=True
    ).stdout
    stands_in, uri = said.splitlines()
    assert (Path(stands_in) / uri.removeprefix("sqlite:///")).parent == store.parent
    assert (Path(stands_in) / str(sqlite_path(uri))).samefile(store)


@pytest.mark.parametrize(
    ("uri", "page", "told"),
    [
        (None, "http://127.0.0.1:5000", True),
        ("sqlite:////elsewhere/mlflow.db", "http://127.0.0.1:5000", False),
        ("https://me:hunter2@mlflow.test/x/", "https://mlflow.test/x", False),
    ],
)
def test_the_summary_links_to_the_run_and_to_the_best_runs(tmp_path, monkeypatch, uri, page, told) -> None:
    monkeypatch.chdir(tmp_path)
    if uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    target = public_uri(uri or f"sqlite:///{tmp_path}/runs/mlflow.db")
    folder = tmp_path / "runs" / "a" / "tracking"
    folder.mkdir(parents=True)
    (tmp_path / "runs" / "mlflow.db").write_text("")
    write_place(folder, target, State(run_id="r1", experiment_id="7"))
    found = headline_results(RunRecord(folder.parent, "pawline", {}, [], "succeeded"))
    assert ("MLflow" in found) == told
    assert found["this run in MLflow"] == f"{page}/#/experiments/7/runs/r1"
    assert found["all runs in MLflow"].startswith(f"{page}/#/experiments/7/runs?viewStateShareKey=pawline&")
    assert "hunter2" not in str(found)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://another.test")  # Of which the run's ids say nothing.
    assert "this run in MLflow" not in headline_results(RunRecord(folder.parent, "pawline", {}, [], "succeeded"))


def test_text_of_a_step_is_neither_markup_nor_cut(capsys: pytest.CaptureFixture[str]) -> None:
    display = RunDisplay(Console(width=40, stderr=False), [])
    display.line("train", "12:00:00 train   | [bold]x[/bold] " + "y" * 100)
    assert capsys.readouterr().out == "12:00:00 train   | [bold]x[/bold] " + "y" * 100 + "\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations_are_said_as_a_person_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_help_names_the_commands_and_the_packaged_pipeline_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("compile", "run", "sample", "verify", "check-backbone"))
    assert COMPILED_PIPELINE.is_file()
