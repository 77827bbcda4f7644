"""The `pawline` command: compile the pipeline, run it on this machine, check what it made or will use."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.step.errors import PawlineError, one_line
from pipeline.cli.checks import check_backbone, verify
from pipeline.cli.compare import add_compare
from pipeline.cli.rollback import add_rollback
from pipeline.cli.run import run
from pipeline.cli.serve import add_serve
from pipeline.cli.sweep import add_sweep
from pipeline.compilation import COMPILED_PIPELINE, compile_pipeline
from pipeline.local.display import short_path
from pipeline.sample.photos import write_sample

INTERRUPTED = 128 + signal.SIGINT


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the `pawline` command."""
    parser = argparse.ArgumentParser(prog="pawline", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_compile(commands)
    _add_run(commands)
    add_sweep(commands)
    add_compare(commands)
    _add_sample(commands)
    add_serve(commands)
    _add_verify(commands)
    _add_check_backbone(commands)
    add_rollback(commands)
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
    command.add_argument(
        "--config", type=Path, metavar="FILE", help="a YAML file of parameters; --param goes before it"
    )
    command.add_argument("--sample", action="store_true", help="run on the packaged sample data")
    command.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where runs are kept (runs)")
    command.add_argument("--run-id", help="name of the run's folder (the time)")
    command.add_argument("--pipeline", type=Path, default=COMPILED_PIPELINE, help="the compiled YAML (ours)")
    command.set_defaults(action=run)


def _add_sample(commands: Any) -> None:
    command = commands.add_parser("sample", help="write the sample: 400 annotated photos", allow_abbrev=False)
    command.add_argument("folder", type=Path, metavar="DIR", help="the folder to write, new or empty")
    command.set_defaults(action=_sample)


def _add_verify(commands: Any) -> None:
    command = commands.add_parser("verify", help="say what is wrong with a bundle", allow_abbrev=False)
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's folder")
    command.add_argument("--onnx-only", action="store_true", help="without the Keras network, so without TensorFlow")
    command.set_defaults(action=verify)


def _add_check_backbone(commands: Any) -> None:
    command = commands.add_parser("check-backbone", help="check a network, your own too", allow_abbrev=False)
    command.add_argument("name", nargs="?", metavar="NAME", help="a backbone or module:function; none lists the names")
    command.add_argument("--image-size", type=int, default=0, metavar="N", help="pixels a side (the backbone's own)")
    command.set_defaults(action=check_backbone)


def _compile(arguments: argparse.Namespace) -> None:
    compile_pipeline(arguments.output)
    print(short_path(arguments.output))


def _sample(arguments: argparse.Namespace) -> None:
    annotations, images = write_sample(arguments.folder)
    print(f"annotations_uri={annotations}\nimages_uri={images}")
