"""The local run, with real processes: what steps receive and give, how failures and interruptions end."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.errors import DataError, UsageError
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline, parse_pipeline
from pipeline.local import processes
from pipeline.local.executor import executor_input
from pipeline.local.placeholders import resolve_command, text_of
from pipeline.local.record import RunRecord, StepState, shown_status
from pipeline.local.run import StepFailed, run_pipeline
from tests.support.fake_pipeline import WRITE_OUTPUT, FakeStep, fake_spec, write_fake
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[3]
BROKEN_OUTPUT = "import sys, json; open(json.loads(sys.argv[1])['outputs']['outputFile'], 'w').write('{')"
PRINT_ARGS = "import sys, json; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"


class Quiet:
    """A display that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.changes: list[tuple[str, str]] = []

    def changed(self, state: StepState) -> None:
        self.changes.append((state.name, state.status))

    def line(self, step: str, text: str) -> None:
        self.lines.append((step, text))


def run(
    folder: Path, *steps: FakeStep, parameters: dict[str, tuple[str, Any]] | None = None
) -> tuple[RunRecord, Quiet]:
    record, display = record_of(folder, *steps, parameters=parameters)
    run_pipeline(parse_pipeline(fake_spec(*steps, parameters=parameters)), record, display)
    return record, display


def record_of(
    folder: Path, *steps: FakeStep, parameters: dict[str, tuple[str, Any]] | None = None
) -> tuple[RunRecord, Quiet]:
    folder.mkdir(parents=True, exist_ok=True)
    values = {name: default for name, (_, default) in (parameters or {}).items()}
    return RunRecord(folder, "fake", values, [StepState(step.name) for step in steps]), Quiet()


def recorded(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return content


def test_parameters_reach_a_step_as_the_backend_writes_them(tmp_path: Path) -> None:
    kinds = {
        "text": ("STRING", "zwei Wörter 'und' \"mehr\" {{x}}"),
        "whole": ("NUMBER_INTEGER", 30),
        "small": ("NUMBER_DOUBLE", 1e-7),
        "round": ("NUMBER_DOUBLE", 2.0),
        "flag": ("BOOLEAN", True),
        "struct": ("STRUCT", {"b": 1, "a": "x"}),
        "items": ("LIST", [1, "two"]),
    }
    args = ("{{$.outputs.artifacts['seen'].path}}", *(f"{{{{$.inputs.parameters['{name}']}}}}" for name in kinds))
    step = FakeStep(
        "show", PRINT_ARGS, args, {name: name for name in kinds}, output_artifacts={"seen": "system.Artifact"}
    )
    run(tmp_path, step, parameters=kinds)
    seen = json.loads((tmp_path / "show" / "seen.json").read_text(encoding="utf-8"))
    assert seen == [kinds["text"][1], "30", "0.0000001", "2", "true", '{"a":"x","b":1}', '[1,"two"]']


def test_a_step_finds_what_an_earlier_one_gave_even_with_spaces_and_unicode_in_the_folder(tmp_path: Path) -> None:
    give = textwrap.dedent("""
        import json, pathlib, sys
        task = json.loads(sys.argv[1])["outputs"]
        table = task["artifacts"]["table"]["artifacts"][0]
        pathlib.Path(table["uri"]).write_text("rows")
        described = {**table, "metadata": {"rows": 7}}
        pathlib.Path(task["outputFile"]).write_text(json.dumps(
            {"parameterValues": {"uri": "s3://b/ü"}, "artifacts": {"table": {"artifacts": [described]}}}))
        pathlib.Path(task["parameters"]["plain"]["outputFile"]).write_text("from its own file")
    """)
    take = FakeStep(
        "take",
        PRINT_ARGS,
        ("{{$.outputs.artifacts['seen'].path}}", *(f"{{{{$.inputs.{place}}}}}" for place in (
            "parameters['uri']", "parameters['plain']", "artifacts['table'].path", "artifacts['table'].uri"))),
        {"uri": "give.uri", "plain": "give.plain"},
        {"table": "give.table"},
        output_artifacts={"seen": "system.Artifact"},
    )  # fmt: skip
    first = FakeStep(
        "give", give, ("{{$}}",), output_parameters=("uri", "plain"), output_artifacts={"table": "system.Dataset"}
    )
    folder = tmp_path / "läufe und mehr" / "eins"
    record, _ = run(folder, take, first)  # written in the wrong order: dependencies decide
    table = str(folder / "give" / "table.csv")
    seen = json.loads((folder / "take" / "seen.json").read_text(encoding="utf-8"))
    assert seen == ["s3://b/ü", "from its own file", table, table]
    given = json.loads((folder / "take" / "executor_input.json").read_text(encoding="utf-8"))
    assert given["inputs"]["artifacts"]["table"]["artifacts"][0]["metadata"] == {"rows": 7}
    assert record.status == recorded(folder)["status"] == "succeeded"


def test_a_failing_step_fails_the_run_with_its_exit_code_and_last_lines(tmp_path: Path) -> None:
    steps = (
        FakeStep("ok", WRITE_OUTPUT, ("{{$.outputs.artifacts['x'].path}}",), output_artifacts={"x": "system.Model"}),
        FakeStep(
            "bad",
            "import sys\nfor i in range(50): print('line', i)\nsys.exit(7)",
            parameters={},
            artifacts={"x": "ok.x"},
        ),
        FakeStep("never", "raise SystemExit(9)", artifacts={"x": "bad.x"}),
    )
    record, display = record_of(tmp_path, *steps)
    with pytest.raises(StepFailed) as failure:
        run_pipeline(parse_pipeline(fake_spec(*steps)), record, display)
    assert (failure.value.exit_code, failure.value.lines) == (7, [f"line {i}" for i in range(30, 50)])
    assert [step["status"] for step in recorded(tmp_path)["steps"]] == ["succeeded", "failed", "waiting"]
    assert recorded(tmp_path)["status"] == "failed"
    assert len((tmp_path / "bad" / "log.txt").read_text(encoding="utf-8").splitlines()) == 50
    assert ("bad", "line 3") in display.lines
    assert display.changes == [("ok", "running"), ("ok", "succeeded"), ("bad", "running"), ("bad", "failed")]


def test_a_step_killed_by_a_signal_has_the_exit_code_of_a_shell(tmp_path: Path) -> None:
    step = FakeStep("killed", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(StepFailed) as failure:
        run(tmp_path, step)
    assert failure.value.exit_code == 137


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (FakeStep("s", "pass", output_parameters=("uri",)), "must give its output parameter uri"),
        (FakeStep("s", "pass", output_artifacts={"table": "system.Dataset"}), "must write its output table"),
        (FakeStep("s", BROKEN_OUTPUT, ("{{$}}",)), "executor output as JSON"),
    ],
)
def test_a_step_that_gives_less_than_it_declares_fails_the_run(tmp_path: Path, step: FakeStep, said: str) -> None:
    with pytest.raises(DataError, match=said):
        run(tmp_path, step)
    assert recorded(tmp_path)["status"] == "failed"


@pytest.mark.parametrize(
    "word",
    [
        "{{$.pipeline_job_name}}",
        "{{$.inputs.parameters['absent']}}",
        "{{$.outputs.artifacts['x'].name}}",
        "{{$.inputs.artifacts['x']}}",
    ],
)
def test_what_no_backend_resolves_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="placeholders that KFP resolves"):
        resolve_command([word], {"inputs": {"parameterValues": {}, "artifacts": {}}, "outputs": {}})


@given(st.text())
def test_a_value_is_not_resolved_again(value: str) -> None:
    task = {"inputs": {"parameterValues": {"x": value}}}
    assert resolve_command(["a{{$.inputs.parameters['x']}}b"], task) == [f"a{value}b"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_without_exponent_and_read_back_the_same(value: float) -> None:
    assert "e" not in text_of(value)
    assert float(text_of(value)) == value


@pytest.mark.parametrize("key", ["triggerPolicy", "parameterIterator"])
def test_conditions_and_loops_are_refused(key: str) -> None:
    spec = fake_spec(FakeStep("s", "pass"))
    spec["root"]["dag"]["tasks"]["s"][key] = {"condition": "true"}
    with pytest.raises(UsageError, match=f"straight graph of containers. Received: step s with {key}"):
        parse_pipeline(spec)


def test_optional_arguments_are_refused() -> None:
    step = FakeStep("s", "pass", ('{"IfPresent": {"InputName": "x", "Then": ["--x"]}}',))
    with pytest.raises(UsageError, match="step s with optional arguments"):
        parse_pipeline(fake_spec(step))


def test_a_step_that_is_no_container_is_refused() -> None:
    spec = fake_spec(FakeStep("s", "pass"))
    spec["deploymentSpec"]["executors"]["exec-s"] = {"importer": {}}
    with pytest.raises(UsageError, match="step s with a step that is no container"):
        parse_pipeline(spec)


def test_a_step_sees_the_users_environment_and_our_components_but_not_the_folder_it_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "geheim-42")
    code = "import os, components.step.errors; assert os.environ['AWS_SECRET_ACCESS_KEY'] == 'geheim-42'"
    record, _ = run(tmp_path / "r", FakeStep("s", code))
    assert record.status == "succeeded"
    written = [path.read_text(encoding="utf-8") for path in (tmp_path / "r").rglob("*") if path.is_file()]
    assert not [text for text in written if "geheim-42" in text]


@pytest.mark.parametrize("named", [None, "", "http://mlflow.test"])
def test_a_step_tracks_in_the_runs_own_store_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if named is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
    code = "import os; print(os.environ['MLFLOW_TRACKING_URI'])"
    _, display = run(tmp_path / "r", FakeStep("s", code))
    assert display.lines == [("s", f"sqlite:///{tmp_path}/mlflow.db" if named is None else named)]


def test_a_folder_among_the_outputs_has_no_suffix(tmp_path: Path) -> None:
    code = "import sys, pathlib; [pathlib.Path(path).mkdir() for path in sys.argv[1:]]"
    places = ("{{$.outputs.artifacts['tensorboard'].path}}", "{{$.outputs.artifacts['other'].path}}")
    kinds = {"tensorboard": "system.Artifact", "other": "system.Artifact"}
    run(tmp_path, FakeStep("s", code, places, output_artifacts=kinds))
    assert {path.name for path in (tmp_path / "s").iterdir() if path.is_dir()} == {"tensorboard", "other.json"}


def test_each_output_is_called_as_what_it_is(tmp_path: Path) -> None:
    """Every artifact of the real pipeline: no suffix twice, and none that says another form than its step writes."""
    pipeline = load_pipeline(COMPILED_PIPELINE)
    states = {step.name: StepState(step.name) for step in pipeline.steps}
    names = {}
    for step in pipeline.steps:
        bare = replace(step, input_parameters={}, input_artifacts={})
        outputs = executor_input(bare, tmp_path, {}, states)["outputs"]["artifacts"]
        names |= {(step.name, name): Path(entry["artifacts"][0]["uri"]).name for name, entry in outputs.items()}
    assert names["test", "predictions_csv"] == "predictions.csv"
    assert names["train", "training_features"] == "training_features.parquet"
    assert names["train", "tensorboard"] == "tensorboard"
    assert names["train", "bundle"] == "bundle"
    for file in names.values():
        stem, _, suffix = file.partition(".")
        assert not suffix or not stem.endswith(f"_{suffix}")
    assert len({(step, file) for (step, _), file in names.items()}) == len(names)


def test_a_display_that_breaks_fails_the_run_and_does_not_hang_it(tmp_path: Path) -> None:
    class Broken(Quiet):
        def line(self, step: str, text: str) -> None:
            raise BrokenPipeError

    step = FakeStep("talks", "for i in range(100_000): print(i)")
    record, _ = record_of(tmp_path, step)
    with pytest.raises(BrokenPipeError):
        run_pipeline(parse_pipeline(fake_spec(step)), record, Broken())
    assert recorded(tmp_path)["status"] == "failed"


def test_a_child_left_behind_by_a_step_is_ended(tmp_path: Path) -> None:
    code = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
    _, display = run(tmp_path, FakeStep("parent", code))
    assert gone(int(display.lines[0][1]))


SLEEPER = """
import signal, subprocess, sys, time
if {stubborn}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
import os
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_run_leaves_no_process_and_is_marked_stopped(tmp_path: Path, number: int, code: int) -> None:
    pipeline = write_fake(tmp_path / "p.yaml", fake_spec(FakeStep("sleep", SLEEPER.format(stubborn=False))))
    command = [
        sys.executable,
        "-m",
        "pipeline.cli",
        "run",
        "--pipeline",
        str(pipeline),
        "--runs",
        str(tmp_path),
        "--run-id",
        "r",
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # Under nohup the tests ignore SIGHUP, and so would the run.
    with subprocess.Popen(command, cwd=ROOT, **pipes, preexec_fn=hear_hang_ups) as process:
        pids = wait_for_pids(tmp_path / "r" / "sleep" / "log.txt")
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert all(gone(pid) for pid in pids)
    assert recorded(tmp_path / "r")["status"] == recorded(tmp_path / "r")["steps"][0]["status"] == "stopped"
    assert "Traceback" not in errors


def test_a_killed_run_takes_its_step_and_the_steps_children_along(tmp_path: Path) -> None:
    pipeline = write_fake(tmp_path / "p.yaml", fake_spec(FakeStep("sleep", SLEEPER.format(stubborn=True))))
    command = [sys.executable, "-m", "pipeline.cli", "run", "--pipeline", str(pipeline), "--runs", str(tmp_path)]
    with subprocess.Popen([*command, "--run-id", "r"], cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        pids = wait_for_pids(tmp_path / "r" / "sleep" / "log.txt")
        process.kill()
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)
    assert recorded(tmp_path / "r")["status"] == "running"
    assert shown_status(recorded(tmp_path / "r"), "running") == "stopped"


def hear_hang_ups() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_runs_begun_at_once_in_one_folder_have_ids_and_samples_of_their_own(tmp_path: Path) -> None:
    said = "import sys; print('sees', sys.argv[1])"
    given = {"annotations_uri": ("STRING", ""), "images_uri": ("STRING", "")}
    step = FakeStep("see", said, ("{{$.inputs.parameters['images_uri']}}",), {"images_uri": "images_uri"})
    pipeline = write_fake(tmp_path / "p.yaml", fake_spec(step, parameters=given))
    command = [sys.executable, "-m", "pipeline.cli", "run", "--sample", "--json"]
    command += ["--pipeline", str(pipeline), "--runs", str(tmp_path / "runs")]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, text=True) for _ in range(4)]
    printed = [process.communicate(timeout=PATIENCE) for process in started]
    assert [process.returncode for process in started] == [0] * 4, printed
    assert len({json.loads(out)["run_id"] for out, _ in printed}) == 4
    assert len(list((tmp_path / "runs").glob("*/run.json"))) == 4
    assert len(list((tmp_path / "runs" / "sample" / "images").iterdir())) == 400


@pytest.mark.slow
def test_real_runs_begun_at_once_in_one_folder_give_what_each_gives_alone(tmp_path: Path) -> None:
    words = ["run", "--sample", "--json", "--param", "backbone=small_cnn", "--param", "epochs=1"]
    command = [sys.executable, "-m", "pipeline.cli", *words, "--runs", str(tmp_path / "runs")]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-1, text=True) for _ in range(2)]
    printed = [process.communicate(timeout=280) for process in started]
    assert [process.returncode for process in started] == [0] * 2, printed
    first, second = (json.loads(out) for out, _ in printed)
    assert first["results"]["accuracy"] == second["results"]["accuracy"]
    assert first["results"]["dataset"] == second["results"]["dataset"]
    assert {record["results"]["promotion"] for record in (first, second)} <= {"first model", "kept champion"}


def test_a_run_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    hang_up = FakeStep("hang_up", "import os, signal; os.kill(os.getppid(), signal.SIGHUP)")
    pipeline = write_fake(tmp_path / "p.yaml", fake_spec(hang_up))
    command = [
        "nohup",
        sys.executable,
        "-m",
        "pipeline.cli",
        "run",
        "--pipeline",
        str(pipeline),
        "--runs",
        str(tmp_path),
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0


def test_a_step_fails_also_where_the_end_of_children_is_ignored(tmp_path: Path) -> None:
    pipeline = write_fake(tmp_path / "p.yaml", fake_spec(FakeStep("bad", "raise SystemExit(4)")))
    command = [sys.executable, "-m", "pipeline.cli", "run", "--pipeline", str(pipeline), "--runs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, preexec_fn=ignore_the_end_of_children)
    assert done.returncode == 4


def ignore_the_end_of_children() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def test_a_step_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    log = tmp_path / "log.txt"
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.extend(int(word) for word in line.split()[1:])
        os.kill(os.getpid(), signal.SIGINT)

    command = [sys.executable, "-c", SLEEPER.format(stubborn=True)]
    with pytest.raises(KeyboardInterrupt):
        processes.run_process(command, dict(os.environ), log, interrupt)
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def wait_for_pids(log: Path) -> list[int]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        if text.startswith("pids") and text.endswith("\n"):
            return [int(word) for word in text.split()[1:]]
        time.sleep(0.05)
    raise AssertionError("the step did not start")


def gone(pid: int) -> bool:
    # An orphan that has ended may wait for init to reap it: a zombie runs nothing.
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
