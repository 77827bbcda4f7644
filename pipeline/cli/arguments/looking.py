"""Arguments of the commands that look at runs."""

from pathlib import Path
from typing import Any

from pipeline.cli.arguments.shared import RUN_HELP, add_json, add_runs
from pipeline.cli.command_parser import new_command


def add_commands(commands: Any) -> None:
    """Add the commands to `commands`."""
    _add_compare(commands)


def _add_compare(commands: Any) -> None:
    summary = "compare runs on one test set"
    command = new_command(commands, "compare", summary, "pipeline.cli.compare:compare_command", ("pipeline", "train"))
    command.add_argument("run", nargs="+", metavar="RUN", help=RUN_HELP)
    add_runs(command)
    command.add_argument("--html", type=Path, metavar="FILE", help="where to write the HTML (a new file in --runs)")
    command.add_argument("--output", type=Path, metavar="FILE", help="where to write all figures as JSON (nowhere)")
    command.add_argument("--no-latency", action="store_true", help="without measuring how long one image takes")
    add_json(command)
