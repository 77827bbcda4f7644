"""The folder of a run, new and named so that a person finds it again, and the MLflow store beside it."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from components.step.addresses import sqlite_uri
from components.step.errors import ServiceError, UsageError, one_line
from components.tracking.database import ARTIFACTS

LAST = "last"  # Of all names of runs, that of the one begun last.
# What lies beside runs, as do MLflow's artifacts; the last are reports fetched from a cluster.
DATASETS, SAMPLE, TRACKING_STORE, FETCHED = "datasets", "sample", "mlflow.db", "cluster"
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
TAKEN = re.compile(rf"{LAST}|{DATASETS}|{SAMPLE}|{FETCHED}|{ARTIFACTS}|{re.escape(TRACKING_STORE)}.*", re.IGNORECASE)


def tracking_uri(runs: Path) -> str:
    """Return the MLflow store of the runs in the folder `runs`, where the environment names no other."""
    return sqlite_uri(runs / TRACKING_STORE)


def check_run_id(run_id: str | None) -> None:
    """Check that `run_id`, unless it is None, may be the name of a run.

    Raises:
        UsageError: it is no plain name, or that of something else, as of the folder where runs share their datasets:
            what is done with such a run, as to remove it, would be done with that.
    """
    if run_id is None:
        return
    if not RUN_ID.fullmatch(run_id):
        rule = "--run-id must be 1 to 80 letters, digits, dots, dashes or underscores, a letter or digit first"
        raise UsageError(f"{rule}. Received: {run_id[:90]!r}. Rename it.")
    if TAKEN.fullmatch(run_id):
        raise UsageError(
            f"--run-id must be no name that --runs has a use for. Received: {run_id[:90]!r}. Give another one."
        )


def new_run_folder(runs: Path, run_id: str | None) -> Path:
    """Make and return the folder `run_id` in `runs`, absolute; without `run_id` the time names it.

    Raises:
        UsageError: `run_id` is not as `check_run_id` says, or its folder exists already.
        ServiceError: `runs` cannot be written.
    """
    check_run_id(run_id)
    for name in [run_id] if run_id else _names_of_now():
        if _make(runs / name):
            return (runs / name).resolve()
    raise UsageError(
        f"A run needs a new folder. Received: {runs / (run_id or '')}, which exists. Give another --run-id."
    )


def _names_of_now() -> Iterator[str]:
    now = f"{datetime.now():%Y%m%d-%H%M%S}"
    yield now
    yield from (f"{now}-{number}" for number in range(2, 100))


def _make(folder: Path) -> bool:
    runs = folder.parent
    try:
        runs.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        if isinstance(error, FileExistsError) and runs.is_dir():
            return False
        raise ServiceError(
            f"--runs must be a writable folder. Received: {runs}: {error.strerror}. Name another one."
        ) from error
    return True


def check_runs_folder(runs: Path) -> None:
    """Check that there is a folder `runs`.

    Raises:
        UsageError: there is none.
    """
    if not runs.is_dir():
        received = f"Received: {one_line(runs)}. Name another one, or begin a run."
        raise UsageError(f"--runs must be a folder of runs. {received}")
