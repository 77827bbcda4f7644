"""Arguments of the commands that speak with a cluster: schedules, runs there, their logs."""

import argparse
from pathlib import Path
from typing import Any

from pipeline.cli.arguments.compiling import CLUSTER_PIPELINE
from pipeline.cli.arguments.shared import CLUSTER_RUN_HELP, add_json, add_parameters, add_run_anywhere, add_server
from pipeline.cli.command_parser import CommandParser, new_command
from pipeline.compilation import COMPILED_PIPELINE

EXTRAS = ("pipeline",)
SCHEDULE = "pipeline.cli.schedule:"
SCHEDULES_FILE = Path("schedules.yaml")


def add_commands(commands: Any) -> None:
    """Add the commands to `commands`."""
    _add_doctor(commands)
    _add_submit(commands)
    _add_of_run(commands, "status", "say how far a run on the cluster is, and why a step waits or failed")
    _add_of_run(commands, "cancel", "stop a run on the cluster")
    _add_of_run(commands, "retry", "let a failed run on the cluster go on with what failed")
    _add_logs(commands)
    _add_schedule(commands)


def _add_logs(commands: Any) -> None:
    summary = "print what the steps of a run said, here or on a cluster"
    command = new_command(commands, "logs", summary, "pipeline.cli.logs:logs", EXTRAS)
    add_run_anywhere(command)
    command.add_argument("step", nargs="?", metavar="STEP", help="one step (all that have begun)")
    command.add_argument("-f", "--follow", action="store_true", help="go on until the step, or the run, has ended")
    command.add_argument("--launcher", action="store_true", help="with the lines of KFP's launcher and of Argo")


def _add_doctor(commands: Any) -> None:
    summary = "say whether all that a run needs is in order, here or on a cluster"
    command = new_command(commands, "doctor", summary, "pipeline.cli.doctor:doctor", EXTRAS)
    add_parameters(command)
    add_pipeline(command, uploaded=True)
    command.add_argument(
        "--service-account", metavar="NAME", help="that of the runs' pods (as of the last run, or KFP's)"
    )
    add_server(command)
    add_json(command, "print the findings as JSON")


def _add_submit(commands: Any) -> None:
    summary = "begin a run on a cluster"
    command = new_command(commands, "submit", summary, "pipeline.cli.submit:submit", EXTRAS)
    add_parameters(command)
    command.add_argument("--name", metavar="NAME", help="what the run is called (pipeline and time)")
    add_experiment(command)
    command.add_argument("--wait", action="store_true", help="wait for its end; exit with 1 unless it succeeds")
    add_pipeline(command, uploaded=True)
    add_server(command)
    add_json(command, "print id and link as JSON")


def _add_of_run(commands: Any, name: str, summary: str) -> None:
    command = new_command(commands, name, summary, f"pipeline.cli.status:{name}", EXTRAS)
    command.add_argument("run", metavar="RUN", help=CLUSTER_RUN_HELP)
    add_server(command)
    if name == "status":
        add_json(command)


def _add_schedule(commands: Any) -> None:
    summary = "runs that begin by the clock, declared in a file"
    schedule = commands.add_parser("schedule", help=summary, description="Runs that begin by the clock of a cluster.")
    below = schedule.add_subparsers(
        required=True, dest="subcommand", metavar="command", help="what to do", parser_class=CommandParser
    )
    _add_next(below)
    _add_diff(below)
    _add_apply(below)
    _add_list(below)
    _add_by_name(below, "pause", "let a schedule of the cluster fire no more")
    _add_by_name(below, "resume", "let a paused schedule of the cluster fire again")
    _add_by_name(below, "delete", "delete a schedule from the cluster; the runs it has begun stay")


def _add_next(below: Any) -> None:
    command = new_command(below, "next", "say when schedules of a file fire next", f"{SCHEDULE}say_next", EXTRAS)
    _add_file(command)
    command.add_argument("--count", type=int, default=3, metavar="N", help="how many times each (3)")
    add_json(command)


def _add_diff(below: Any) -> None:
    summary = "show what apply would change, and change nothing"
    command = new_command(below, "diff", summary, f"{SCHEDULE}show_changes", EXTRAS)
    _add_file(command, uploaded=True)
    _add_prune(command)
    add_server(command)
    add_json(command)


def _add_apply(below: Any) -> None:
    summary = "make the cluster's schedules those of a file"
    command = new_command(below, "apply", summary, f"{SCHEDULE}apply", EXTRAS)
    _add_file(command, uploaded=True)
    _add_prune(command)
    add_experiment(command)
    add_server(command)
    add_json(command)


def _add_list(below: Any) -> None:
    command = new_command(below, "list", "list the cluster's schedules", f"{SCHEDULE}list_schedules", EXTRAS)
    command.add_argument(
        "--controller-time-zone", default="UTC", metavar="ZONE", help="the controller's CRON_SCHEDULE_TIMEZONE (UTC)"
    )
    add_pipeline(command)
    add_server(command)
    add_json(command)


def _add_by_name(below: Any, name: str, summary: str) -> None:
    command = new_command(below, name, summary, f"{SCHEDULE}{name}", EXTRAS)
    command.add_argument("name", metavar="NAME", help="a schedule's name, or its id where two have one name")
    add_pipeline(command)
    add_server(command)


def _add_file(command: argparse.ArgumentParser, uploaded: bool = False) -> None:
    help_text = "the schedules (schedules.yaml)"
    command.add_argument("file", nargs="?", type=Path, default=SCHEDULES_FILE, metavar="FILE", help=help_text)
    add_pipeline(command, uploaded)


def _add_prune(command: argparse.ArgumentParser) -> None:
    help_text = "delete schedules of this pipeline that are not in the file"
    command.add_argument("--prune", action="store_true", help=help_text)


def add_pipeline(command: argparse.ArgumentParser, uploaded: bool = False) -> None:
    """Add `--pipeline`: what is `uploaded` is compiled for the cluster; the packaged one has the same name and form."""
    default, shown = (CLUSTER_PIPELINE, str(CLUSTER_PIPELINE)) if uploaded else (COMPILED_PIPELINE, "ours")
    help_text = f"the compiled YAML ({shown})"
    command.add_argument("--pipeline", type=Path, default=default, metavar="FILE", help=help_text)


def add_experiment(command: argparse.ArgumentParser) -> None:
    """Add `--experiment`."""
    command.add_argument("--experiment", metavar="NAME", help="the experiment, made if need be (the server's Default)")
