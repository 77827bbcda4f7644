"""`pawline run`: parameters gathered, the compiled pipeline run in a new folder, its results shown."""

import argparse
import os
import signal
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console

from components.extract.parameters import check_parameters
from components.step.errors import UsageError
from components.step.files import json_text
from components.tracking.events import check_tracking_uri
from pipeline.compiled import CompiledPipeline, load_pipeline
from pipeline.config import read_configs, write_config
from pipeline.history.overview import overview_of
from pipeline.local.delivery import Delivered, deliver, undelivered
from pipeline.local.display import RunDisplay, print_summary, show_failure
from pipeline.local.folder import DATASETS, SAMPLE, new_run_folder
from pipeline.local.record import RunRecord, StepState
from pipeline.local.references import find_run
from pipeline.local.results import headline_results, how_to_go_on
from pipeline.local.resuming import resumed
from pipeline.local.run import StepFailed, run_pipeline
from pipeline.parameters import parse_parameters
from pipeline.sample.photos import write_sample

SAMPLE_PARAMETERS = ("annotations_uri", "images_uri")
# The defaults that stand in Kubeflow's form for a bucket of the user's; there is nothing there.
NO_IMAGES = {"annotations_uri": "s3://pawline/annotations.json", "images_uri": "s3://pawline/images"}


def run(arguments: argparse.Namespace) -> None:
    """Run the pipeline as the command line's `arguments` say.

    Raises:
        UsageError: a parameter, file or option is not legal; nothing has been run.
        StepFailed: a step ended with another exit code than 0.
        DataError: a step succeeded without giving one of its outputs.
        ServiceError: the run's folder cannot be written.
    """
    pipeline, record = _resumed(arguments) if arguments.resume else _begun(arguments)
    console = Console(stderr=True, highlight=False)
    display = RunDisplay(console, record.steps)
    try:
        with ended_in_order_by_signals(), last_lines_shown(console), display.live():
            run_pipeline(pipeline, record, display)
    finally:
        runs = record.folder.parent
        # Who stops a run does not want to wait.
        delivered = undelivered(runs) if record.status == "stopped" else deliver(runs, console)
        _print_results(arguments, record, delivered)


def _begun(arguments: argparse.Namespace) -> tuple[CompiledPipeline, RunRecord]:
    pipeline = load_pipeline(arguments.pipeline)
    parameters = with_sample(arguments, pipeline, checked_parameters(arguments, pipeline))
    folder = new_run_folder(arguments.runs, arguments.run_id)
    write_config(folder / "config.yaml", parameters)
    return pipeline, RunRecord(folder, pipeline.name, parameters, [StepState(step.name) for step in pipeline.steps])


def _resumed(arguments: argparse.Namespace) -> tuple[CompiledPipeline, RunRecord]:
    others = {"--param": arguments.param, "--config": arguments.config, "--run-id": arguments.run_id}
    if given := [flag for flag, value in {**others, "--sample": arguments.sample}.items() if value]:
        raise UsageError(f"A run goes on with its own parameters. Received: --resume and {given[0]}. Leave out one.")
    return resumed(load_pipeline(arguments.pipeline), find_run(arguments.resume, arguments.runs))


def _print_results(arguments: argparse.Namespace, record: RunRecord, delivered: Delivered) -> None:
    if arguments.json:
        found = {"results": overview_of(record).as_json(), "not_delivered": delivered.left}
        print(json_text(record.as_json() | found), end="")
        return
    results = headline_results(record) | delivered.as_results() | how_to_go_on(record)
    print_summary(Console(highlight=False), record, results)


def checked_parameters(arguments: argparse.Namespace, pipeline: CompiledPipeline) -> dict[str, Any]:
    """Return every parameter: from --param, else the file, else what differs on one machine, else its default.

    Nothing is made, so that what is refused leaves nothing behind; the sample's are still missing (`with_sample`).

    Raises:
        UsageError: a parameter is not legal or names a file that is not there, no images are named, or the sample is
            asked for beside others.
        ServiceError: its store does not answer.
    """
    configured = read_configs(arguments.config, pipeline.parameters)
    given = {*configured, *(assignment.partition("=")[0] for assignment in arguments.param)}
    if arguments.sample and given & set(SAMPLE_PARAMETERS):
        raise UsageError("--sample brings its own images. Received: --sample and a URI. Leave out one of them.")
    parameters = parse_parameters(arguments.param, pipeline.parameters, configured)
    if not arguments.sample:
        _check_images_named(parameters, given)
    if "dataset_store" in pipeline.parameters and "dataset_store" not in given:
        parameters["dataset_store"] = str(arguments.runs / DATASETS)
    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        check_tracking_uri(uri)
    check_parameters(_taken_by_extract(pipeline, parameters))
    return parameters


def with_sample(
    arguments: argparse.Namespace, pipeline: CompiledPipeline, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Return `parameters` with those of the sample, which is written, where `arguments` ask for it.

    Raises:
        UsageError: the pipeline takes no images.
        ServiceError: the sample cannot be written.
    """
    if not arguments.sample:
        return dict(parameters)
    return {**parameters, **_sample_parameters(arguments.runs, pipeline.parameters)}


def _check_images_named(parameters: Mapping[str, Any], given: Collection[str]) -> None:
    needed = ["images_uri"] if parameters.get("annotation_format") == "folders" else list(NO_IMAGES)
    missing = [name for name in needed if name not in given and parameters.get(name) == NO_IMAGES[name]]
    if missing:
        raise UsageError(
            f"A run needs images. Received: no {' and no '.join(missing)}. Name your images, or --sample: "
            "--param images_uri=FOLDER --param annotations_uri=FILE (or annotation_format=folders)."
        )


def _taken_by_extract(pipeline: CompiledPipeline, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that extract is given, by its own names: what it would refuse first is refused now."""
    inputs = next((step.input_parameters for step in pipeline.steps if step.name == "extract"), {})
    passed = {name: source.get("componentInputParameter") for name, source in inputs.items()}
    return {name: parameters[given] for name, given in passed.items() if given}


def _sample_parameters(runs: Path, declared: Collection[str]) -> dict[str, str]:
    if missing := set(SAMPLE_PARAMETERS) - set(declared):
        raise UsageError(f"--sample needs a pipeline that takes images. Received: one without {sorted(missing)[0]}.")
    return dict(zip(SAMPLE_PARAMETERS, map(str, write_sample(runs / SAMPLE)), strict=True))


@contextmanager
def last_lines_shown(console: Console) -> Iterator[None]:
    """Show why a step failed, once: its own message, or the last lines of what it said."""
    try:
        yield
    except StepFailed as error:
        show_failure(console, error.step, error.lines)
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
