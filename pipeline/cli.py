"""The `pawline` command: compile the pipeline, run it on this machine, write the sample data."""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console

from components.errors import PawlineError, UsageError, one_line
from pipeline.compilation import COMPILED_PIPELINE, compile_pipeline
from pipeline.compiled import CompiledPipeline, load_pipeline
from pipeline.display import RunDisplay, print_summary, short_path
from pipeline.local import StepFailed, run_pipeline
from pipeline.parameters import parse_parameters
from pipeline.record import RunRecord, StepState
from pipeline.results import headline_results
from pipeline.run_folder import new_run_folder
from pipeline.sample import write_sample

INTERRUPTED = 128 + signal.SIGINT


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the `pawline` command."""
    parser = argparse.ArgumentParser(prog="pawline", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_compile(commands)
    _add_run(commands)
    _add_sample(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv`; return its exit code.

    0: done; 1: bad data or a failed service; 2: bad usage; 130: Ctrl-C; a failed step's own exit code.
    """
    arguments = build_parser().parse_args(argv)
    try:
        arguments.action(arguments)
    except PawlineError as error:
        print(f"pawline: error: {one_line(error, 2000)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("pawline: stopped", file=sys.stderr)
        return INTERRUPTED
    return 0


def _add_compile(commands: Any) -> None:
    command = commands.add_parser("compile", help="write the Kubeflow Pipelines YAML", allow_abbrev=False)
    command.add_argument("--output", type=Path, default=COMPILED_PIPELINE, help="the file to write (the packaged one)")
    command.set_defaults(action=_compile)


def _add_run(commands: Any) -> None:
    command = commands.add_parser("run", help="run the compiled pipeline on this machine", allow_abbrev=False)
    command.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="a pipeline parameter; may be repeated"
    )
    command.add_argument("--sample", action="store_true", help="run on the packaged sample data")
    command.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where runs are kept (runs)")
    command.add_argument("--run-id", help="name of the run's folder (the time)")
    command.add_argument("--pipeline", type=Path, default=COMPILED_PIPELINE, help="the compiled YAML (ours)")
    command.set_defaults(action=_run)


def _add_sample(commands: Any) -> None:
    command = commands.add_parser("sample", help="write the sample: 400 annotated photos", allow_abbrev=False)
    command.add_argument("folder", type=Path, metavar="DIR", help="the folder to write, new or empty")
    command.set_defaults(action=_sample)


def _compile(arguments: argparse.Namespace) -> None:
    compile_pipeline(arguments.output)
    print(short_path(arguments.output))


def _sample(arguments: argparse.Namespace) -> None:
    annotations, images = write_sample(arguments.folder)
    print(f"annotations_uri={annotations}\nimages_uri={images}")


def _run(arguments: argparse.Namespace) -> None:
    pipeline = load_pipeline(arguments.pipeline)
    parameters = parse_parameters(_local_parameters(arguments, pipeline), pipeline.parameters)
    folder = new_run_folder(arguments.runs, arguments.run_id)
    record = RunRecord(folder, pipeline.name, parameters, [StepState(step.name) for step in pipeline.steps])
    console = Console(stderr=True, highlight=False)
    display = RunDisplay(console, record.steps)
    try:
        with _ended_in_order_by_signals(), _last_lines_shown(console), display.live():
            run_pipeline(pipeline, record, display)
    finally:
        print_summary(Console(highlight=False), record, headline_results(record))


def _local_parameters(arguments: argparse.Namespace, pipeline: CompiledPipeline) -> list[str]:
    """Return the given parameters after those that differ on one machine: the sample's URIs, a local dataset store."""
    given: list[str] = arguments.param
    names = {assignment.partition("=")[0] for assignment in given}
    local = _sample_parameters(arguments.runs, names) if arguments.sample else []
    if "dataset_store" in pipeline.parameters and "dataset_store" not in names:
        local.append(f"dataset_store={arguments.runs / 'datasets'}")
    return [*local, *given]


def _sample_parameters(runs: Path, given: set[str]) -> list[str]:
    if given & {"annotations_uri", "images_uri"}:
        raise UsageError("--sample brings its own images. Received: --sample and a URI. Leave out one of them.")
    annotations, images = write_sample(runs / "sample")
    return [f"annotations_uri={annotations}", f"images_uri={images}"]


@contextmanager
def _last_lines_shown(console: Console) -> Iterator[None]:
    try:
        yield
    except StepFailed as error:
        console.print(f"last lines of {error.step}:", style="bold", markup=False)
        for line in error.lines:
            console.print(f"  {one_line(line, 2000)}", markup=False, soft_wrap=True)
        raise


@contextmanager
def _ended_in_order_by_signals() -> Iterator[None]:
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


if __name__ == "__main__":
    sys.exit(main())
