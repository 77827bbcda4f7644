"""`pawline runs`: what has been run, here or on a cluster, and how it went."""

import argparse

from rich.console import Console

from components.step.durations import duration
from components.step.errors import one_line
from components.step.files import json_text
from pipeline.history.overview import all_runs
from pipeline.history.table import print_runs

MOST_OF_CLUSTER = 50


def list_runs(arguments: argparse.Namespace) -> None:
    """Print the runs in the folder, or on the cluster, that `arguments` name, the one begun last first.

    Raises:
        UsageError: the cluster's are asked for and no server is named.
        ServiceError: it does not answer.
    """
    if arguments.cluster:
        _list_of_cluster(arguments)
        return
    found = all_runs(arguments.runs)
    if arguments.json:
        print(json_text([run.as_json() for run in found]), end="")
    elif found:
        print_runs(Console(highlight=False), found)
    else:
        print(f"no runs in {one_line(arguments.runs)}; `pawline run --sample` makes one")


def _list_of_cluster(arguments: argparse.Namespace) -> None:
    # Imported here: runs of this machine are listed without a cluster's client.
    from pipeline.cli.connection import connected
    from pipeline.cluster.runs import latest_runs

    kfp = connected(arguments)
    found = latest_runs(kfp, MOST_OF_CLUSTER)
    if arguments.json:
        print(json_text([run.as_json() | {"link": kfp.server.page_of(run.id)} for run in found]), end="")
        return
    for run in found:
        took = f" after {duration(round(run.seconds))}" if run.seconds is not None else ""
        print(f"{run.id}  {run.status}{took}  {one_line(run.name, 80)}")
    if not found:
        print("no runs on the cluster; `pawline submit` begins one")
