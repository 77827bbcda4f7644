"""What a person sees of a run: on a terminal a line a step, in a pipe plain lines; each failure once."""

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.local.display import RunDisplay, print_summary
from pipeline.local.record import RunRecord, StepState
from tests.support.fake_pipeline import FakeStep, fake_spec, write_fake
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[3]
COMMAND = "python -m components.train --dataset-uri " + "x" * 1000
STEPS = ("extract", "split", "train", "test", "promote")
SAID = (
    "12:00:00 train   | whole network, images: 960/9600, 12.1/s, 2 h 07 min left, epoch 3/30, step 10/10, loss 1.3726"
)


def console(columns: int, terminal: bool = True) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(width=columns, force_terminal=terminal, file=file, highlight=False), file


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_each_step_has_one_line_with_what_it_is_at(columns: int) -> None:
    states = [
        StepState("extract", "succeeded", 7384.0),
        StepState("split", "succeeded", 0.4),
        *map(StepState, STEPS[2:]),
    ]
    onto, file = console(columns)
    display = RunDisplay(onto, states)
    states[2].status = "running"
    display.changed(states[2])
    display.line("train", SAID)
    onto.print(display._table())
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue()).splitlines()
    assert [line.split()[1] for line in lines] == list(STEPS)
    assert max(map(len, lines)) <= columns
    assert "2 h 03 min" in lines[0]
    assert lines[2].split("0 s ", 1)[1].strip().startswith("whole network, images")


def test_the_terminal_may_be_drawn_between_a_step_s_beginning_and_its_being_said() -> None:
    state = StepState("train", "running", 3.0)
    onto, file = console(80)
    onto.print(RunDisplay(onto, [state])._table())
    assert "train 3 s" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())


@pytest.mark.parametrize("terminal", [True, False])
def test_the_command_of_a_step_is_for_its_log_alone(terminal: bool) -> None:
    onto, file = console(80, terminal)
    display = RunDisplay(onto, [StepState("train")])
    display.line("train", f"12:00:00 train   | {COMMAND}")
    assert file.getvalue() == ""
    assert display._at == ""


def test_a_warning_stays_on_the_terminal() -> None:
    onto, file = console(80)
    RunDisplay(onto, []).line("train", "12:00:00 train   | warning: no checkpoint could be saved")
    assert "train: warning: no checkpoint could be saved" in file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_reports_are_links_on_a_terminal_and_nowhere_else(terminal: bool, tmp_path: Path) -> None:
    report = tmp_path / "a report.html"
    report.touch()
    onto, file = console(80, terminal)
    record = RunRecord(tmp_path, "pawline", {}, [StepState("test", "succeeded", 1.0)], "succeeded")
    print_summary(onto, record, {"test report": str(report), "MLflow": "http://127.0.0.1:5000/#/x", "note": "plain"})
    links = re.findall(r"\x1b\]8;[^;]*;([^\x1b]+)\x1b", file.getvalue())
    assert links == ([report.as_uri(), "http://127.0.0.1:5000/#/x"] if terminal else [])
    assert str(report) in file.getvalue()


ONE_LINE = """
import sys
print("12:00:00 bad     | begun")
sys.exit("pawline bad: error: The images must exist. Received: none.")
"""
TRACEBACK = "print('begun'); raise LookupError('a thing that nobody expected')"


@pytest.mark.parametrize(("code", "said"), [(ONE_LINE, "The images must exist"), (TRACEBACK, "LookupError: a thing")])
@pytest.mark.parametrize("columns", [0, 50, 80])
def test_a_failure_is_said_once(tmp_path: Path, code: str, said: str, columns: int) -> None:
    fake = write_fake(tmp_path / "p.yaml", fake_spec(FakeStep("good", "print('fine')"), FakeStep("bad", code)))
    words = ["run", "--pipeline", str(fake), "--runs", str(tmp_path / "runs"), "--run-id", "r"]
    shown = on_a_terminal(words, columns) if columns else in_a_pipe(words)
    assert sum(said in line for line in staying(shown)) == 1
    assert "go on  " in shown
    assert (
        shown.strip().splitlines()[-1].startswith("pawline: error: A step must end with exit code 0. Received: bad=1")
    )
    if not columns:
        assert [c for c in shown if not c.isprintable() and c != "\n"] == [], "piped output is plain"
        assert "bad     | begun" in shown


def test_what_steps_print_is_in_their_logs_and_not_on_the_terminal(tmp_path: Path) -> None:
    fake = write_fake(tmp_path / "p.yaml", fake_spec(FakeStep("good", f"print({COMMAND!r}); print('fine')")))
    shown = on_a_terminal(["run", "--pipeline", str(fake), "--runs", str(tmp_path), "--run-id", "r"], 80)
    assert "components.train" not in shown
    assert (tmp_path / "r" / "good" / "log.txt").read_text() == f"{COMMAND}\nfine\n"
    assert "\x1b[?25l" in shown  # The lines of the steps hide the cursor while they are alive,
    assert shown.count("\x1b[?25h") == 1  # and give it back.
    assert "run r: succeeded" in shown


def in_a_pipe(arguments: list[str]) -> str:
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=-1, stderr=subprocess.STDOUT, text=True, check=False).stdout


def on_a_terminal(arguments: list[str], columns: int) -> str:
    """Return all that the command writes to a terminal of `columns`, which it believes to have."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "LINES": "30", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        process.wait(PATIENCE)
    os.close(ours)
    return shown.decode()


def staying(shown: str) -> list[str]:
    """Return the lines of `shown` without control sequences and without the steps' lines, which do not stay."""
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r", "\n").splitlines()
    return [line for line in lines if not re.match(r"\S (good|bad) ", line)]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux: the other end is closed.
        return b""
