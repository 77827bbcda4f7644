"""A run that ended early goes on with the step that did not succeed, and nothing is done twice."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import main
from tests.pipeline.local.test_run import ROOT, wait_for_pids
from tests.support.fake_pipeline import FakeStep, fake_spec, write_fake
from tests.support.patience import PATIENCE
from tests.support.sealed_files import seal_again

COUNT = "import sys, pathlib; p = pathlib.Path(sys.argv[1]); p.write_text((p.read_text() if p.exists() else '') + 'x')"
# Fails until the file `ready` is beside the runs.
FRAIL = """
import os, pathlib, sys, time
table, ready = map(pathlib.Path, sys.argv[1:])
assert table.read_text() == "x"
print("pids", os.getpid(), flush=True)
while ready.name == "wait" and not ready.exists():
    time.sleep(0.05)
sys.exit(0 if ready.exists() else 3)
"""


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    first = FakeStep(
        "first", COUNT, ("{{$.outputs.artifacts['table'].path}}",), output_artifacts={"table": "system.Dataset"}
    )
    args = ("{{$.inputs.artifacts['table'].path}}", "{{$.inputs.parameters['ready']}}")
    second = FakeStep("second", FRAIL, args, {"ready": "ready"}, {"table": "first.table"})
    third = FakeStep("third", "print('done')", artifacts={"table": "first.table"})
    return write_fake(
        tmp_path / "p.yaml", fake_spec(first, second, third, parameters={"ready": ("STRING", str(tmp_path / "ready"))})
    )


def run(fake: Path, *words: str) -> int:
    return main(["run", "--pipeline", str(fake), "--runs", str(fake.parent / "runs"), *words])


def recorded(fake: Path, run_id: str = "r") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((fake.parent / "runs" / run_id / "run.json").read_text())
    return found


@pytest.mark.parametrize("name", ["r", "last"])
def test_a_failed_run_goes_on_where_it_failed(fake: Path, name: str, capsys: Any) -> None:
    assert run(fake, "--run-id", "r") == 3
    advice = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("go on"))
    assert advice.split()[2:] == ["pawline", "run", "--resume", "r", "--runs", str(fake.parent / "runs")]
    before = recorded(fake)
    (fake.parent / "ready").touch()
    assert run(fake, "--resume", name) == 0
    after = recorded(fake)
    assert [step["status"] for step in after["steps"]] == ["succeeded"] * 3
    assert after["status"] == "succeeded"
    assert after["seconds"] > before["seconds"]
    assert after["started"] == before["started"]
    folder = fake.parent / "runs" / "r"
    assert (folder / "first" / "table.csv").read_text() == "x", "what has succeeded is not run again"
    assert (folder / "second" / "log.txt").read_text().count("pids") == 2, "the log goes on"
    assert "go on" not in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_or_killed_run_goes_on_but_not_while_it_is_alive(fake: Path, number: int, capsys: Any) -> None:
    waiting = fake.parent / "wait"
    command = [
        sys.executable,
        "-m",
        "pipeline.cli",
        "run",
        "--pipeline",
        str(fake),
        "--runs",
        str(fake.parent / "runs"),
    ]
    command += ["--run-id", "r", "--param", f"ready={waiting}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for_pids(fake.parent / "runs" / "r" / "second" / "log.txt")
        assert run(fake, "--resume", "r") == 2
        assert "Received: r, running. `pawline logs r -f` follows it." in capsys.readouterr().err
        process.send_signal(number)
        process.wait(PATIENCE)
    waiting.touch()  # Ends what a killed run may have left behind, too.
    assert main(["runs", "--runs", str(fake.parent / "runs")]) == 0
    assert "stopped" in capsys.readouterr().out
    took = [step["seconds"] for step in recorded(fake)["steps"]]
    assert recorded(fake)["seconds"] >= sum(took) - 0.01
    assert took[0] > 0
    assert took[1] > 0, "it has run, however it ended"
    record = fake.parent / "runs" / "r" / "run.json"
    seal_again(record, lambda values: values | {"started_in": str(Path.cwd())})
    assert run(fake, "--resume", "r") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--resume", "none"], "there is no run.json"),
        (["--resume", "r", "--param", "ready=x"], "--resume and --param"),
        (["--resume", "r", "--run-id", "s"], "--resume and --run-id"),
        (["--resume", "r", "--sample"], "--resume and --sample"),
        (["--resume", "done"], "Received: done, succeeded"),
    ],
)
def test_what_cannot_be_gone_on_with_is_one_line(fake: Path, words: list[str], said: str, capsys: Any) -> None:
    assert run(fake, "--run-id", "r") == 3
    (fake.parent / "ready").touch()
    assert run(fake, "--run-id", "done") == 0
    capsys.readouterr()
    assert run(fake, *words) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1


def test_a_run_goes_on_where_its_relative_paths_mean_the_same(
    fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    here = tmp_path / "here and there"
    here.mkdir()
    monkeypatch.chdir(here)
    assert run(fake, "--run-id", "r") == 3
    monkeypatch.chdir(tmp_path)
    assert run(fake, "--resume", "r") == 2
    assert f"First: cd '{here}'" in capsys.readouterr().err


def test_a_run_of_another_pipeline_is_refused(fake: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(fake, "--run-id", "r") == 3
    write_fake(fake, fake_spec(FakeStep("first", "pass")))
    assert run(fake, "--resume", "r") == 2
    assert "whose step second this one has not" in capsys.readouterr().err
