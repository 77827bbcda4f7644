"""The MLflow run that a version came from, as whoever registers the version finds or makes it."""

import secrets
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.tracking import queue
from components.tracking.delivery import experiment_id
from components.tracking.mlflow_run import begun_before, create, of_whole_pipeline

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True, slots=True)
class Run:
    """A run of MLflow; `artifact_uri` is where its files lie. Without an id there is none."""

    id: str = ""
    artifact_uri: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


NO_RUN = Run()


def find_or_make_run(client: "MlflowClient", described: Mapping[str, str], queue_folder: Path | None) -> Run:
    """Return the run that is `described` (`components.tracking.shared_run.whose_run`), a new one if there is none.

    `queue_folder` has the queues that may tell of the same run, if any do; while it is made here, no sender of theirs
    does so.
    """
    shared = queue_folder if queue_folder and queue_folder.is_dir() else None
    with queue.locked_for_beginning(shared) if shared else nullcontext():
        found = client.get_run(_run_id(client, described, queue.began(shared) if shared else None))
    return Run(found.info.run_id, found.info.artifact_uri, found.data.tags)


def _run_id(client: "MlflowClient", described: Mapping[str, str], began: int | None) -> str:
    if named := described["run_id"]:
        return of_whole_pipeline(client, named)
    experiment = described["experiment_id"] or experiment_id(client, described["experiment"])
    now = time.time_ns() // 1_000_000
    start: dict[str, Any] = {**described, "token": secrets.token_hex(16), "time": now, "began": began}
    return begun_before(client, experiment, described) or create(client, experiment, start)
