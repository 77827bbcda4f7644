"""The commands of `pawline` and their arguments.

What a command does is named, `module:function`, and imported only when it is asked for, so that help needs nothing that
is installed beside Python and answers at once.
"""

import argparse
from pathlib import Path
from typing import Any

from components.serve.command import add_arguments
from pipeline.compilation import COMPILED_PIPELINE

MOST_CANDIDATES = 16


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; what it parses has `action`, what to call, and `extras`, what must be installed for it."""
    description = "Compile the pipeline, run it on this machine, check what it made or will use."
    parser = argparse.ArgumentParser(prog="pawline", description=description, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_compile(commands)
    _add_run(commands)
    _add_sweep(commands)
    _add_compare(commands)
    _add_sample(commands)
    _add_serve(commands)
    _add_verify(commands)
    _add_check_backbone(commands)
    _add_rollback(commands)
    return parser


def _add_compile(commands: Any) -> None:
    command = commands.add_parser("compile", help="write the Kubeflow Pipelines YAML", allow_abbrev=False)
    command.add_argument("--output", type=Path, default=COMPILED_PIPELINE, help="the file to write (the packaged one)")
    command.set_defaults(action="pipeline.cli.compile:compile_yaml", extras=("pipeline",))


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
    command.set_defaults(action="pipeline.cli.run:run", extras=("pipeline", "train"))


def _add_sweep(commands: Any) -> None:
    command = commands.add_parser("sweep", help="run several candidates and compare them", allow_abbrev=False)
    command.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="a parameter and its values; may be repeated, also to add a value to a name",
    )
    command.add_argument(
        "--config", type=Path, metavar="FILE", help="a YAML file of parameters; --param goes before it"
    )
    command.add_argument("--sample", action="store_true", help="run on the packaged sample data")
    command.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where runs are kept (runs)")
    command.add_argument("--run-id", help="name of the sweep (the time); one that is there already is gone on with")
    command.add_argument(
        "--max", type=int, default=MOST_CANDIDATES, metavar="N", help=f"candidates at most ({MOST_CANDIDATES})"
    )
    command.add_argument("--pipeline", type=Path, default=COMPILED_PIPELINE, help="the compiled YAML (ours)")
    command.set_defaults(action="pipeline.cli.sweep:sweep", extras=("pipeline", "train"))


def _add_compare(commands: Any) -> None:
    command = commands.add_parser("compare", help="compare runs on one test set", allow_abbrev=False)
    command.add_argument("run", nargs="+", metavar="RUN", help="a run's folder, or its id in --runs")
    command.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where runs are kept (runs)")
    command.add_argument("--html", type=Path, metavar="FILE", help="where to write the HTML (a new file in --runs)")
    command.add_argument("--output", type=Path, metavar="FILE", help="where to write all figures as JSON (nowhere)")
    command.add_argument("--no-latency", action="store_true", help="without measuring how long one image takes")
    command.set_defaults(action="pipeline.cli.compare:compare_command", extras=("pipeline", "train"))


def _add_sample(commands: Any) -> None:
    command = commands.add_parser("sample", help="write the sample: 400 annotated photos", allow_abbrev=False)
    command.add_argument("folder", type=Path, metavar="DIR", help="the folder to write, new or empty")
    command.set_defaults(action="pipeline.cli.sample:sample", extras=())


def _add_serve(commands: Any) -> None:
    command = commands.add_parser("serve", help="serve a bundle over HTTP, with a page to try it", allow_abbrev=False)
    add_arguments(command)
    command.set_defaults(action="components.serve.command:run", extras=("serve",))


def _add_verify(commands: Any) -> None:
    command = commands.add_parser("verify", help="say what is wrong with a bundle", allow_abbrev=False)
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's folder")
    command.add_argument("--onnx-only", action="store_true", help="without the Keras network, so without TensorFlow")
    command.set_defaults(action="pipeline.cli.verify:verify", extras=("train",))


def _add_check_backbone(commands: Any) -> None:
    command = commands.add_parser("check-backbone", help="check a network, your own too", allow_abbrev=False)
    command.add_argument("name", nargs="?", metavar="NAME", help="a backbone or module:function; none lists the names")
    command.add_argument("--image-size", type=int, default=0, metavar="N", help="pixels a side (the backbone's own)")
    command.set_defaults(action="pipeline.cli.check_backbone:check_backbone", extras=("pipeline", "train"))


def _add_rollback(commands: Any) -> None:
    command = commands.add_parser("rollback", help="make the champion before the champion again", allow_abbrev=False)
    command.add_argument("--model-name", default="pawline", metavar="NAME", help="the registered model (pawline)")
    command.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where runs are kept (runs)")
    command.set_defaults(action="pipeline.cli.rollback:rollback", extras=("pipeline",))
