"""The trackers: one that queues everything for MLflow, and one that does nothing where no MLflow is named."""

import logging
import secrets
import shlex
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from components.step.counts import counted
from components.step.errors import one_line
from components.tracking.events import check_tracking_uri, public_uri, with_legal_names, without_secrets
from components.tracking.queue import Queue, open_queue
from components.tracking.sending import Sending, start_sending
from components.tracking.shared_run import is_sent_later, whose_run

log = logging.getLogger("pawline")

Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True, slots=True)
class TrackedDataset:
    """The dataset of a run: where it lies, its fingerprint, and how many samples were used."""

    uri: str
    fingerprint: str
    samples: int


class Tracker(Protocol):
    """Takes down a run. No method but `open_tracker` raises, and none waits, but `finish` for a few seconds."""

    def start(
        self, run_name: str, parameters: Mapping[str, object], tags: Mapping[str, str], dataset: TrackedDataset | None
    ) -> None:
        """Begin the run, or go on with the one that MLFLOW_RUN_ID names; call it once, before all others.

        Parameters and tags whose names sound like secrets are left out, and passwords and queries of URIs in them.
        """

    def epoch(self, step: int, metrics: Mapping[str, float]) -> None:
        """Take down the metrics of epoch `step` (from 1)."""

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Take down the metrics of the whole run."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Take down the file or the files of the folder at `path`, shown in the run under `folder`.

        Only the path is queued: the file must stay as it is until it was sent.
        """

    def tags(self, tags: Mapping[str, str]) -> None:
        """Take down what the run is to be found and described by; passwords in URIs are left out."""

    def model(self, bundle: Path) -> None:
        """Take down the bundle in the folder `bundle` as the run's model, named "model", for `mlflow.pyfunc`."""

    def finish(self, status: Status) -> int:
        """End the run (not one of MLFLOW_RUN_ID: whoever began it ends it) and wait a few seconds for the sending.

        Returns:
            How many events are left in the queue; then one warning line has said so.
        """


class NoTracker:
    """Tracks nothing."""

    def start(
        self, run_name: str, parameters: Mapping[str, object], tags: Mapping[str, str], dataset: TrackedDataset | None
    ) -> None:
        """Do nothing."""

    def epoch(self, step: int, metrics: Mapping[str, float]) -> None:
        """Do nothing."""

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Do nothing."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Do nothing."""

    def tags(self, tags: Mapping[str, str]) -> None:
        """Do nothing."""

    def model(self, bundle: Path) -> None:
        """Do nothing."""

    def finish(self, status: Status) -> int:
        """Return 0."""
        return 0


def open_tracker(
    environment: Mapping[str, str], *, queue_folder: Path, key: str = "", bundle: str = "", known_run: str = ""
) -> Tracker:
    """Return the tracker for MLflow if `environment` names one, else one that does nothing; nothing is sent yet.

    Args:
        environment: MLFLOW_TRACKING_URI (http, https, sqlite or another database) and whatever else MLflow reads, as
            MLFLOW_RUN_ID for a run to go on with, MLFLOW_EXPERIMENT_NAME, MLFLOW_TRACKING_USERNAME.
        queue_folder: where events are kept until they were sent; made if need be. Share it between runs: what an
            earlier one could not send is sent along. Nothing but the queue may lie in it.
        key: names this run (letters, digits, "-", "_"); a later tracker with the same key goes on with its run as long
            as that is not finished, as a training that is resumed does. Without one, each tracker is a run.
        bundle: the digest of what is tracked, if it is there already: the run that trained it is gone on with, unless
            the environment names the run.
        known_run: the id of the run to go on with, where it was looked up; it is ended like one of its own.

    Raises:
        UsageError: MLFLOW_TRACKING_URI is not the address of an MLflow.
    """
    if not environment.get("MLFLOW_TRACKING_URI"):
        return NoTracker()
    check_tracking_uri(environment["MLFLOW_TRACKING_URI"])
    return MlflowTracker(environment, queue_folder, key, bundle, known_run)


class MlflowTracker:
    """Queues everything for MLflow; see `Tracker` for the methods."""

    def __init__(
        self, environment: Mapping[str, str], queue_folder: Path, key: str, bundle: str, known_run: str
    ) -> None:
        """Track to the MLflow of `environment`; see `open_tracker`."""
        self._environment, self._folder, self._key = dict(environment), queue_folder.absolute(), key
        self._bundle, self._known = bundle, known_run
        self._queue: Queue | None = None
        self._sending: Sending | None = None

    def start(
        self, run_name: str, parameters: Mapping[str, object], tags: Mapping[str, str], dataset: TrackedDataset | None
    ) -> None:
        """Begin the run and start the process that sends it."""
        try:
            self._queue = open_queue(self._folder, self._key)
        except OSError as error:
            log.warning("MLflow gets nothing of this run: %s: %s", self._folder, error.strerror)
            return
        self._append(
            "start",
            **whose_run(self._environment, self._bundle, run_name),
            known=self._known,
            token=secrets.token_hex(16),
            keyed=bool(self._key),
            parameters=without_secrets(parameters),
            tags=without_secrets(tags),
            dataset=asdict(dataset) if dataset else None,
            target=public_uri(self._environment["MLFLOW_TRACKING_URI"]),
            whole=public_uri(self._environment["MLFLOW_TRACKING_URI"]) == self._environment["MLFLOW_TRACKING_URI"],
        )
        self._sending = start_sending(self._queue, self._environment)

    def epoch(self, step: int, metrics: Mapping[str, float]) -> None:
        """Queue the metrics of epoch `step`."""
        self._append("metrics", step=step, metrics=with_legal_names(metrics))

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Queue the metrics of the whole run."""
        self.epoch(0, metrics)

    def artifact(self, path: Path, folder: str = "") -> None:
        """Queue the path of a file or folder."""
        self._append("artifact", path=str(path.absolute()), folder=folder)

    def tags(self, tags: Mapping[str, str]) -> None:
        """Queue the tags."""
        self._append("tags", tags=without_secrets(tags))

    def model(self, bundle: Path) -> None:
        """Queue the path of a bundle."""
        self._append("model", path=str(bundle.absolute()))

    def finish(self, status: Status) -> int:
        """Queue the end, wait a few seconds, warn of what is left and return how much that is."""
        if self._queue is None or self._sending is None:
            return 0
        self._append("finish", status=status, continued=bool(self._environment.get("MLFLOW_RUN_ID")))
        later = is_sent_later(self._environment)
        left, error = self._sending.leave() if later else self._sending.finish()
        if refused := self._sending.refused():
            log.warning("MLflow refused %s of this run for good, e.g.: %s", counted(len(refused), "event"), refused[0])
        if (left and not later) or self._queue.lost:
            self._warn(left, self._queue.lost, error)
        self._queue = self._sending = None
        return left

    def _append(self, kind: str, **values: Any) -> None:
        if self._queue is not None:
            self._queue.append({"kind": kind, "time": time.time_ns() // 1_000_000, **values})

    def _warn(self, left: int, lost: int, error: str) -> None:
        why = one_line(error or "it did not answer in time", 200)
        lost_too = f", {lost} did not fit in and are lost" if lost else ""
        log.warning(
            "MLflow has not got %s of this run (%s), which stay here%s. The next run sends them, or: "
            "python -m components.tracking %s",
            counted(left, "event"), why, lost_too, shlex.quote(str(self._folder)),
        )  # fmt: skip
