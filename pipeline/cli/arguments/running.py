"""Arguments of the commands that make something: a run, a sweep, the sample, a YAML (beside)."""

import argparse
from pathlib import Path
from typing import Any

from pipeline.cli.arguments.compiling import add_compile
from pipeline.cli.arguments.shared import add_config, add_json, add_parameters, add_runs
from pipeline.cli.command_parser import new_command
from pipeline.compilation import COMPILED_PIPELINE

MOST_CANDIDATES = 16


def add_commands(commands: Any) -> None:
    """Add the commands to `commands`."""
    _add_init(commands)
    _add_new(commands)
    _add_run(commands)
    _add_sweep(commands)
    _add_sample(commands)
    add_compile(commands)


def _add_init(commands: Any) -> None:
    summary = "write a file of parameters to fill in, with its schema"
    command = new_command(commands, "init", summary, "pipeline.cli.init:init", ("pipeline",))
    command.add_argument("folder", type=Path, metavar="DIR", help="the folder, made if need be; nothing is overwritten")


def _add_new(commands: Any) -> None:
    summary = "begin a project: parameters, own functions, tests, schedules, cluster, continuous integration"
    command = new_command(commands, "new", summary, "pipeline.cli.new:new", ("pipeline",))
    command.add_argument("folder", type=Path, metavar="DIR", help="the project's folder, new or empty")
    command.add_argument("--name", metavar="NAME", help="what it is called (the folder's name)")
    command.add_argument(
        "--update", action="store_true", help="bring the project in DIR to this version's template; yours stays yours"
    )


def _add_run(commands: Any) -> None:
    summary = "run the compiled pipeline on this machine"
    command = new_command(commands, "run", summary, "pipeline.cli.run:run", ("pipeline", "train"))
    add_parameters(command)
    _add_where_from(command)
    command.add_argument("--run-id", help="name of the run's folder (the time)")
    command.add_argument(
        "--resume", metavar="RUN", help="go on with a run that ended early, with the step that did not succeed"
    )
    _add_pipeline(command)
    add_json(command, "end with the results as JSON instead of a table")


def _add_sweep(commands: Any) -> None:
    summary = "run several candidates and compare them"
    command = new_command(commands, "sweep", summary, "pipeline.cli.sweep:sweep", ("pipeline", "train"))
    command.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE,VALUE",
        help="a parameter and its values; may be repeated, also to add a value to a name",
    )
    add_config(command)
    _add_where_from(command)
    command.add_argument("--run-id", help="name of the sweep (the time); one that is there already is gone on with")
    command.add_argument(
        "--max", type=int, default=MOST_CANDIDATES, metavar="N", help=f"candidates at most ({MOST_CANDIDATES})"
    )
    _add_pipeline(command)
    add_json(command, "end with the comparison as JSON instead of a table")


def _add_where_from(command: argparse.ArgumentParser) -> None:
    command.add_argument("--sample", action="store_true", help="run on the packaged sample data")
    add_runs(command)


def _add_pipeline(command: argparse.ArgumentParser) -> None:
    command.add_argument("--pipeline", type=Path, default=COMPILED_PIPELINE, help="the compiled YAML (ours)")


def _add_sample(commands: Any) -> None:
    command = new_command(commands, "sample", "write the sample: 400 annotated photos", "pipeline.cli.sample:sample")
    command.add_argument("folder", type=Path, metavar="DIR", help="the folder to write, new or empty")
