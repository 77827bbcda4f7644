"""The local run: a compiled pipeline's own commands as processes on this machine, without Docker or Kubernetes.

A run's folder holds everything: `run.json`, and for each step a folder with its log, its executor input and output and
its artifacts. Steps run one after another, which is all that a chain can do.
"""

import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from components.step.errors import PawlineError, ServiceError
from components.step.files import write_json
from components.step.own_processes import own_environment
from pipeline.compiled import CompiledPipeline, Step
from pipeline.local.executor import collect_outputs, executor_input
from pipeline.local.folder import tracking_uri
from pipeline.local.hold import held_by_a_run
from pipeline.local.placeholders import resolve_command
from pipeline.local.processes import run_process
from pipeline.local.record import RunRecord, StepState
from pipeline.local.tracking import tracking_environment

LAST_LINES = 20


class StepFailed(PawlineError):
    """A step ended with another exit code than 0, which becomes the run's; `lines` are the last of its log."""

    def __init__(self, step: str, exit_code: int, log: Path, lines: list[str]) -> None:
        """Say which step failed how, and where its log is."""
        super().__init__(f"A step must end with exit code 0. Received: {step}={exit_code}. Read {log}.")
        self.step, self.exit_code, self.lines = step, exit_code, lines


class Display(Protocol):
    """Whoever shows the run while it goes on."""

    def changed(self, state: StepState) -> None:
        """Show that a step has started or ended."""

    def line(self, step: str, text: str) -> None:
        """Show a line that the step has printed."""


def run_pipeline(pipeline: CompiledPipeline, record: RunRecord, display: Display) -> None:
    """Run every step of `pipeline` in the folder of `record`, and keep the record.

    A step that `record` says has succeeded is not run again: what it gave is taken from its state. One that was begun
    before goes on in its folder, its log too.
    Whatever ends the run early, Ctrl-C included, first ends the running step's processes and is recorded.

    Raises:
        StepFailed: a step ended with another exit code than 0.
        DataError: a step succeeded without giving one of its outputs.
        ServiceError: the folder cannot be written.
        UsageError: another process is at work in the folder.
    """
    states = {state.name: state for state in record.steps}
    with held_by_a_run(record.folder), _recorded(record, record):
        for step in pipeline.steps:
            if states[step.name].status == "succeeded":
                continue
            with _recorded(states[step.name], record, display):
                task = executor_input(step, record.folder / step.name, record.parameters, states)
                _run_step(step, states[step.name], task, display)


@contextmanager
def _recorded(subject: StepState | RunRecord, record: RunRecord, display: Display | None = None) -> Iterator[None]:
    began = time.monotonic() - subject.seconds  # What an earlier attempt took counts too.

    def change(status: Any) -> None:
        before, subject.seconds = subject.seconds, time.monotonic() - began
        subject.status = status
        if subject is not record:  # So that a run which is killed has what it took up to here.
            record.seconds += subject.seconds - before
        record.write()
        if display and isinstance(subject, StepState):
            display.changed(subject)

    try:
        change("running")
        yield
    except Exception:
        change("failed")
        raise
    except BaseException:  # Ctrl-C or SIGTERM: the step's processes have ended by now.
        change("stopped")
        raise
    change("succeeded")


def _run_step(step: Step, state: StepState, task: Mapping[str, Any], display: Display) -> None:
    folder = Path(task["outputs"]["outputFile"]).parent
    _make_folder(folder)
    if step.output_parameters:
        _make_folder(folder / "parameters")
    write_json(folder / "executor_input.json", task)
    lines = deque[str](maxlen=LAST_LINES)

    def on_line(text: str) -> None:
        lines.append(text)
        display.line(step.name, text)

    command = [sys.executable if word == "python" else word for word in resolve_command(step.command, task)]
    state.exit_code = run_process(command, _environment(folder.parent), folder / "log.txt", on_line)
    if state.exit_code != 0:
        raise StepFailed(step.name, state.exit_code, folder / "log.txt", list(lines))
    collect_outputs(step, state, task["outputs"])


def _environment(run: Path) -> dict[str, str]:
    # What the user says counts, also an empty text: it turns tracking off.
    return {
        "MLFLOW_TRACKING_URI": tracking_uri(run.parent),
        **own_environment(),
        "PYTHONUNBUFFERED": "1",
        **tracking_environment(run),
    }


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # An earlier attempt's answer must not be taken for this one's.
        (folder / "executor_output.json").unlink(missing_ok=True)
    except OSError as error:
        raise ServiceError(f"The run's folder must be writable. Received: {folder}: {error.strerror}.") from error
