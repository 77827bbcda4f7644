"""What `pawline run` does for MLflow: it names the run to its steps, and says where in MLflow it is."""

import os
import secrets
import shlex
from pathlib import Path

from components.step.addresses import SQLITE, sqlite_path, sqlite_uri
from components.step.files import write_text
from components.step.pipeline_run import NAME, RUN
from components.tracking import queue
from components.tracking.events import public_uri
from components.tracking.runs_view import runs_link
from components.tracking.shared_run import QUEUE
from pipeline.local.display import short_path
from pipeline.local.folder import tracking_uri

FOLDER, KEY = "tracking", "run-key"
# Where `mlflow ui` listens unless it is told another port.
LOCAL_UI = "http://127.0.0.1:5000"


def tracking_environment(run: Path) -> dict[str, str]:
    """Return what the steps of the run in the folder `run` are told, so that all are one run in MLflow.

    Raises:
        ServiceError: the folder cannot be written.
    """
    key = run / FOLDER / KEY
    if not key.is_file():  # Else the run is gone on with, here and in MLflow.
        write_text(key, f"{run.name}-{secrets.token_hex(8)}")
    return {RUN: key.read_text(encoding="utf-8"), NAME: run.name, QUEUE: str(run / FOLDER)}


def _command(store: Path) -> str:
    """Return the command that shows the MLflow whose database is at `store`."""
    if sqlite_uri(store) == f"{SQLITE}{store}":
        return shlex.join(["mlflow", "ui", "--backend-store-uri", sqlite_uri(store)])
    # MLflow takes an address for a path, and would make a folder called as it is written there, with %23 for "#".
    there = shlex.join(["mlflow", "ui", "--backend-store-uri", sqlite_uri(Path(store.name))])
    return f"({shlex.join(['cd', str(store.parent)])} && {there})"


def mlflow_of(runs: Path) -> str:
    """Return the address of the MLflow that the runs in `runs` are tracked in, "" if tracking is off."""
    return os.environ.get("MLFLOW_TRACKING_URI", tracking_uri(runs.absolute()))


def where_to_look(run: Path) -> dict[str, str]:
    """Return by name what shows the run in the folder `run` in MLflow: for a local store a command, and links.

    The first link is the table of all runs, the best test accuracy first. There are none as long as MLflow has no run.
    """
    uri, place = mlflow_of(run.parent), queue.read_place(run / FOLDER)
    store = sqlite_path(uri)
    found = {}
    if store and store.is_file():
        found["MLflow"] = _command(Path(short_path(store)))
    page = LOCAL_UI if store else public_uri(uri).rstrip("/")
    if place.get("target") == public_uri(uri) and page.startswith("http"):
        experiment = place["experiment_id"]
        found["all runs in MLflow"] = runs_link(page, experiment)
        found["this run in MLflow"] = f"{page}/#/experiments/{experiment}/runs/{place['run_id']}"
    return found
