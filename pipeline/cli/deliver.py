"""`pawline deliver`: MLflow is sent what runs could not send to it in time."""

import argparse

from rich.console import Console

from components.step.counts import counted
from components.step.errors import ServiceError, one_line
from pipeline.local.delivery import deliver, kept_for_others
from pipeline.local.folder import check_runs_folder


def deliver_command(arguments: argparse.Namespace) -> None:
    """Send what the runs in `--runs` have not sent yet; print that all is sent.

    Raises:
        UsageError: there is no folder of runs.
        ServiceError: MLflow did not take all; what is left is kept.
    """
    check_runs_folder(arguments.runs)
    delivered = deliver(arguments.runs, Console(stderr=True, highlight=False))
    if delivered.left:
        raise ServiceError(
            f"MLflow must take the events. Received: {one_line(delivered.why, 200)}. "
            f"{counted(delivered.left, 'event')} kept; try later."
        )
    for name, text in delivered.as_results().items():
        print(f"{name}: {text}")
    elsewhere = kept_for_others(arguments.runs)
    for place, count in elsewhere.items():
        kept = f"{counted(count, 'event')} kept for another MLflow"
        print(f"{kept}, {one_line(place, 200)}: set MLFLOW_TRACKING_URI to it")
    if not elsewhere:
        print("MLflow has all events of these runs" if not delivered.refused else "nothing is left to send")
