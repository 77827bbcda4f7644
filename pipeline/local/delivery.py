"""What the steps of runs could not send to MLflow in time: how much it is, and the sending of it."""

import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from components.step.addresses import sqlite_path
from components.step.counts import counted
from components.step.errors import one_line
from components.step.own_processes import own_environment
from components.tracking import queue
from components.tracking.events import public_uri
from components.tracking.sender import REFUSED
from components.tracking.sending import Progress, progress, wait_while_well
from pipeline.local.display import short_path
from pipeline.local.tracking import FOLDER, mlflow_of

# Below a folder of runs: where steps keep their events, and where they did before a run had one folder for them.
QUEUES = (f"*/{FOLDER}", "*/*/tracking-queue")
LONGEST_SECONDS, SECONDS_BETWEEN_COUNTS = 60.0, 0.5
ERROR = "pawline tracking: error: "


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many events of the runs in `runs` are left, and why; how many were refused for good, and why one was."""

    runs: Path
    left: int = 0
    why: str = ""
    refused: int = 0
    refusal: str = ""

    def as_results(self) -> dict[str, str]:
        """Return what to say of it below a run's table; nothing if MLflow has all."""
        command = shlex.join(["pawline", "deliver", "--runs", short_path(self.runs)])
        kept = f"{counted(self.left, 'event')} to MLflow ({one_line(self.why, 200)})"
        left = {"not delivered": f"{kept}. The next run, or: {command}"}
        refused = {"refused by MLflow": f"{counted(self.refused, 'event')}, e.g.: {one_line(self.refusal, 200)}"}
        return (left if self.left else {}) | (refused if self.refused else {})


def queue_folders(runs: Path) -> list[Path]:
    """Return the folders below `runs` with events for the MLflow of today that were not sent."""
    target = public_uri(mlflow_of(runs))
    return [folder for folder in _all_queues(runs) if _left(folder)[target]]


def kept_for_others(runs: Path) -> dict[str, int]:
    """Return how many events of runs in the folder `runs` wait for another MLflow than today's, by its address."""
    found = sum(map(_left, _all_queues(runs)), Counter[str]())
    return {target: count for target, count in found.items() if target != public_uri(mlflow_of(runs))}


def events_left(run: Path) -> int:
    """Return how many events of the run in the folder `run` MLflow, whichever they are for, has not got."""
    return sum(_left(folder).total() for folder in queues_of(run))


def meant_for_another(run: Path) -> str:
    """Return the MLflow, another than today's, that events of the run in the folder `run` wait for; "" if for none."""
    targets = {target for folder in queues_of(run) for target in _left(folder)}
    return " or ".join(sorted(targets - {public_uri(mlflow_of(run.parent))}))


def queues_of(run: Path) -> list[Path]:
    """Return the folders in which the steps of the run in the folder `run` keep their events."""
    return sorted(folder for pattern in QUEUES for folder in run.glob(pattern.removeprefix("*/")))


def _all_queues(runs: Path) -> list[Path]:
    return sorted({folder for pattern in QUEUES for folder in runs.glob(pattern)})


def undelivered(runs: Path) -> Delivered:
    """Return what runs in the folder `runs` have not sent yet; nothing is sent."""
    uri = mlflow_of(runs)
    left = _left_for(uri, _all_queues(runs)) if uri else 0
    return Delivered(runs.absolute(), left, "the run was stopped")


def deliver(runs: Path, console: Console) -> Delivered:
    """Send what runs in the folder `runs` have not sent yet, and show how far it is; return what is left.

    Takes 5 seconds where MLflow does not answer, or takes seconds for each answer, and a minute at most where it does.
    """
    runs = runs.absolute()
    folders, uri = queue_folders(runs), mlflow_of(runs)
    if not folders or not uri:
        return Delivered(runs)
    said = _send(folders, uri, console)
    refusals = [line.removeprefix(REFUSED) for line in said if line.startswith(REFUSED)]
    left = [folder for folder in folders if _left_for(uri, [folder])]
    errors = [queue.read_state(folder, key).error for folder in left for key in queue.keys(folder)]
    errors += [line.removeprefix(ERROR) for line in said if line.startswith(ERROR)]
    why = next(filter(None, errors), "it did not answer in time")
    return Delivered(runs, _left_for(uri, left), why, len(refusals), next(iter(refusals), ""))


def _send(folders: Sequence[Path], uri: str, console: Console) -> list[str]:
    """Send the queues in `folders`, as long as it goes well and no Ctrl-C ends it; return what the sender printed."""
    environment = {**own_environment(), "MLFLOW_TRACKING_URI": uri}
    command = [sys.executable, "-m", "components.tracking", *map(str, folders)]
    # An MLflow that is there is worth the wait for imports, which take seconds on a busy machine.
    is_there = sqlite_path(uri) is not None or any(queue.read_place(folder) for folder in folders)
    with tempfile.TemporaryFile() as said, console.status("MLflow") as status, suppress(KeyboardInterrupt):
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        wait_while_well(process, _watched(folders, uri, status.update, is_there), LONGEST_SECONDS)
        said.seek(0)
        return said.read().decode("utf-8", "replace").splitlines()
    return []


def _watched(folders: Sequence[Path], uri: str, show: Callable[[str], None], is_there: bool) -> Callable[[], Progress]:
    keys = {folder: queue.keys(folder) for folder in folders}
    shown = 0.0

    def watch() -> Progress:
        nonlocal shown
        if time.monotonic() > shown + SECONDS_BETWEEN_COUNTS:
            shown = time.monotonic()
            show(f"MLflow: {counted(_left_for(uri, folders), 'event')} to send")
        each = [progress(folder, keys[folder]) for folder in folders]
        return sum(sent for sent, _ in each), is_there and any(busy for _, busy in each)

    return watch


def _left_for(uri: str, folders: Sequence[Path]) -> int:
    """Return how many events in `folders` were not sent to the MLflow at `uri`."""
    return sum(_left(folder)[public_uri(uri)] for folder in folders)


def _left(folder: Path) -> Counter[str]:
    """Return by MLflow how many events in `folder` it was not sent, without those of a step that is still at work.

    A run that was gone on with may have some for each of two.
    """
    found: Counter[str] = Counter()
    for key in queue.keys(folder):
        if not queue.is_written(folder, key):
            found[queue.target(folder, key)] += queue.count_unsent(folder, key)
    return +found
