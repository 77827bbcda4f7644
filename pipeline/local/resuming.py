"""A run that ended early gone on with: the steps that succeeded are kept, the others wait again."""

import shlex
from pathlib import Path

from components.step.errors import UsageError, one_line
from components.step.owner import this_process
from pipeline.compiled import CompiledPipeline
from pipeline.local.record import RunRecord, StepState
from pipeline.local.recorded import read_record


def resumed(pipeline: CompiledPipeline, folder: Path) -> tuple[CompiledPipeline, RunRecord]:
    """Return the record of the run in `folder`, ready to go on, and the part of `pipeline` that it has.

    Raises:
        UsageError: it has succeeded, is going on, is another pipeline's, or was started in another folder.
        DataError: its record is damaged.
    """
    record = read_record(folder)
    _check(record, pipeline)
    wanted = {state.name for state in record.steps}
    steps = tuple(step for step in pipeline.steps if step.name in wanted)
    record.steps = [state if state.status == "succeeded" else StepState(state.name) for state in record.steps]
    record.owner = this_process()
    # A parameter that this version has and the run's had not.
    defaults = {name: parameter.default for name, parameter in pipeline.parameters.items()}
    record.parameters = {**defaults, **record.parameters}
    return CompiledPipeline(pipeline.name, pipeline.parameters, steps), record


def _check(record: RunRecord, pipeline: CompiledPipeline) -> None:
    name = one_line(record.folder.name, 90)
    if record.status in ("succeeded", "running"):
        raise UsageError(
            f"A run is gone on with after it ended early. Received: {name}, {record.status}. "
            + ("Start a new one." if record.status == "succeeded" else f"`pawline logs {name} -f` follows it.")
        )
    if unknown := {state.name for state in record.steps} - {step.name for step in pipeline.steps}:
        raise UsageError(
            f"A run is gone on with by its own pipeline. Received: {name}, whose step {one_line(min(unknown), 80)} "
            "this one has not. Name its own with --pipeline."
        )
    there, here = Path(record.started_in or "."), Path.cwd()
    if there.is_dir() and not there.samefile(here):  # Its parameters may have relative paths.
        raise UsageError(
            f"A run is gone on with where it was started. Received: {name}, started elsewhere. "
            f"First: {one_line(shlex.join(['cd', str(there)]), 4200)}"
        )
