"""`pawline runs`: what has been run here and how it went."""

import argparse

from rich.console import Console

from components.step.errors import one_line
from components.step.files import json_text
from pipeline.history.overview import all_runs
from pipeline.history.table import print_runs


def list_runs(arguments: argparse.Namespace) -> None:
    """Print the runs in the folder that the command line's `arguments` name, the one begun last first."""
    found = all_runs(arguments.runs)
    if arguments.json:
        print(json_text([run.as_json() for run in found]), end="")
    elif found:
        print_runs(Console(highlight=False), found)
    else:
        print(f"no runs in {one_line(arguments.runs)}; `pawline run --sample` makes one")
