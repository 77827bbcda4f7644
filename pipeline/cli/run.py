"""`pawline run`: parameters gathered, the compiled pipeline run in a new folder, its results shown."""

import argparse
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console

from components.step.errors import UsageError, one_line
from pipeline.compiled import CompiledPipeline, load_pipeline
from pipeline.config import read_config, write_config
from pipeline.local.display import RunDisplay, print_summary
from pipeline.local.folder import new_run_folder
from pipeline.local.record import RunRecord, StepState
from pipeline.local.results import headline_results
from pipeline.local.run import StepFailed, run_pipeline
from pipeline.parameters import parse_parameters
from pipeline.sample.photos import write_sample

SAMPLE_PARAMETERS = ("annotations_uri", "images_uri")


def run(arguments: argparse.Namespace) -> None:
    """Run the pipeline as the command line's `arguments` say.

    Raises:
        UsageError: a parameter, file or option is not legal; nothing has been run.
        StepFailed: a step ended with another exit code than 0.
        DataError: a step succeeded without giving one of its outputs.
        ServiceError: the run's folder cannot be written.
    """
    pipeline = load_pipeline(arguments.pipeline)
    parameters = run_parameters(arguments, pipeline)
    folder = new_run_folder(arguments.runs, arguments.run_id)
    write_config(folder / "config.yaml", parameters)
    record = RunRecord(folder, pipeline.name, parameters, [StepState(step.name) for step in pipeline.steps])
    console = Console(stderr=True, highlight=False)
    display = RunDisplay(console, record.steps)
    try:
        with ended_in_order_by_signals(), last_lines_shown(console), display.live():
            run_pipeline(pipeline, record, display)
    finally:
        print_summary(Console(highlight=False), record, headline_results(record))


def run_parameters(arguments: argparse.Namespace, pipeline: CompiledPipeline) -> dict[str, Any]:
    """Return every parameter: from --param, else the file, else what differs on one machine, else its default.

    Raises:
        UsageError: a parameter is not legal, or the sample is asked for beside other images.
        ServiceError: the sample cannot be written.
    """
    configured = read_config(arguments.config, pipeline.parameters) if arguments.config else {}
    given = {*configured, *(assignment.partition("=")[0] for assignment in arguments.param)}
    if arguments.sample and given & set(SAMPLE_PARAMETERS):
        raise UsageError("--sample brings its own images. Received: --sample and a URI. Leave out one of them.")
    # Before the sample is written: what is refused leaves nothing behind.
    parameters = parse_parameters(arguments.param, pipeline.parameters, configured)
    if "dataset_store" in pipeline.parameters and "dataset_store" not in given:
        parameters["dataset_store"] = str(arguments.runs / "datasets")
    if arguments.sample:
        parameters |= _sample_parameters(arguments.runs, pipeline.parameters)
    return parameters


def _sample_parameters(runs: Path, declared: Collection[str]) -> dict[str, str]:
    if missing := set(SAMPLE_PARAMETERS) - set(declared):
        raise UsageError(f"--sample needs a pipeline that takes images. Received: one without {sorted(missing)[0]}.")
    return dict(zip(SAMPLE_PARAMETERS, map(str, write_sample(runs / "sample")), strict=True))


@contextmanager
def last_lines_shown(console: Console) -> Iterator[None]:
    """Show the last lines of a step that fails."""
    try:
        yield
    except StepFailed as error:
        console.print(f"last lines of {error.step}:", style="bold", markup=False)
        for line in error.lines:
            console.print(f"  {one_line(line, 2000)}", markup=False, soft_wrap=True)
        raise


@contextmanager
def ended_in_order_by_signals() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end a run in order, with the exit code that a shell expects."""
    # What nohup has made ignored stays ignored.
    heard = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, _exit_on_signal) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_on_signal(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
