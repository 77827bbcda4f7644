"""`pawline show`: everything of one run."""

import argparse
from typing import Any

from rich.console import Console
from rich.text import Text

from components.step.errors import one_line
from components.step.files import json_text
from pipeline.cli.cluster_show import show_of_cluster
from pipeline.cli.connection import means_cluster
from pipeline.history.overview import overview_of
from pipeline.history.table import day_and_time
from pipeline.local.display import LINE_LIMIT, print_summary
from pipeline.local.placeholders import text_of
from pipeline.local.record import RunRecord
from pipeline.local.recorded import read_record
from pipeline.local.references import find_run
from pipeline.local.results import headline_results, how_to_go_on


def show(arguments: argparse.Namespace) -> None:
    """Print steps, results, places and parameters of the run that the command line's `arguments` name.

    Raises:
        UsageError: there is no such run here, or no server is named.
        DataError: its record is damaged, or there is no such run on the cluster.
        ServiceError: the KFP API does not answer.
    """
    if means_cluster(arguments):
        show_of_cluster(arguments)
        return
    record = read_record(find_run(arguments.run, arguments.runs))
    if arguments.json:
        print(json_text(_as_json(record)), end="")
        return
    console = Console(highlight=False)
    print_summary(console, record, headline_results(record) | how_to_go_on(record))
    console.print(Text(f"\nbegun {day_and_time(record.started)} with these parameters", style="bold"))
    for name, value in sorted(record.parameters.items()):
        console.print(Text.assemble((f"{name}  ", "dim"), one_line(text_of(value), LINE_LIMIT)), soft_wrap=True)


def _as_json(record: RunRecord) -> dict[str, Any]:
    artifacts = {
        state.name: {name: artifact["uri"] for name, artifact in state.artifacts.items()} for state in record.steps
    }
    return record.as_json() | {"results": overview_of(record).as_json(), "artifacts": artifacts}
