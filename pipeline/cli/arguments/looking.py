"""Arguments of the commands that look at runs."""

from pathlib import Path
from typing import Any

from pipeline.cli.arguments.shared import RUN_HELP, add_json, add_run_anywhere, add_runs, add_server
from pipeline.cli.command_parser import new_command
from pipeline.history.report_names import REPORTS

EXTRAS = ("pipeline",)


def add_commands(commands: Any) -> None:
    """Add the commands to `commands`."""
    _add_runs(commands)
    _add_show(commands)
    _add_open(commands)
    _add_compare(commands)
    _add_clean(commands)


def _add_runs(commands: Any) -> None:
    command = new_command(commands, "runs", "list the runs, the last one first", "pipeline.cli.runs:list_runs", EXTRAS)
    command.add_argument("--cluster", action="store_true", help="the runs on the cluster instead of those here")
    add_runs(command)
    add_server(command)
    add_json(command)


def _add_show(commands: Any) -> None:
    command = new_command(commands, "show", "say everything of one run", "pipeline.cli.show:show", EXTRAS)
    add_run_anywhere(command)
    add_json(command)


def _add_open(commands: Any) -> None:
    summary = "open a run's report in the browser, or print its link"
    command = new_command(commands, "open", summary, "pipeline.cli.open:open_report", EXTRAS)
    command.add_argument("--report", choices=tuple(REPORTS), help="which one (the first of these that is there)")
    add_run_anywhere(command)


def _add_compare(commands: Any) -> None:
    summary = "compare runs on one test set"
    command = new_command(commands, "compare", summary, "pipeline.cli.compare:compare_command", ("pipeline", "train"))
    command.add_argument("run", nargs="+", metavar="RUN", help=RUN_HELP)
    add_runs(command)
    command.add_argument("--html", type=Path, metavar="FILE", help="where to write the HTML (a new file in --runs)")
    command.add_argument("--output", type=Path, metavar="FILE", help="where to write all figures as JSON (nowhere)")
    command.add_argument("--no-latency", action="store_true", help="without measuring how long one image takes")
    add_json(command)


def _add_clean(commands: Any) -> None:
    summary = "show what can go from the folder of runs, and remove it"
    command = new_command(commands, "clean", summary, "pipeline.cli.clean:clean", EXTRAS)
    command.add_argument("--keep", type=int, default=10, metavar="N", help="how many of the last runs stay (10)")
    command.add_argument("--yes", action="store_true", help="remove it; else it is only shown")
    add_runs(command)
    add_json(command)
