"""What of a promotion is tracked: in the MLflow run of the pipeline run, which the version made here points at too."""

import argparse
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.promote.evidence import Challenger
from components.registry.runs import Run
from components.registry.versions import Registry
from components.test.results import HEADLINES
from components.test.tracking import test_metrics
from components.tracking import queue
from components.tracking.events import public_uri
from components.tracking.lifetime import begun
from components.tracking.mlflow_run import TESTED_TAG, TRAINED_TAG
from components.tracking.shared_run import is_sent_later, queue_folder, run_key, whose_run
from components.tracking.tracker import NoTracker, TrackedDataset, Tracker, open_tracker

log = logging.getLogger("pawline")

FOLDER = "promotion"
GONE = "it did not answer before that step's pod ended, and its queue went with it"
ELSEWHERE = "its events wait for another MLflow"


def run_of(registry: Registry, challenger: Challenger, report: Path) -> Run:
    """Return the MLflow run of the pipeline run, or that in which `challenger` was trained; made if there is none."""
    name = f"promote {challenger.manifest.backbone}"
    run = registry.run(whose_run(os.environ, challenger.digest, name), queue_folder(report))
    if run_key(os.environ):
        for step in _lost(run, challenger):
            log.warning(
                "MLflow has not got all of what %s tracked: %s", step, ELSEWHERE if is_sent_later(os.environ) else GONE
            )
    return run


@contextmanager
def tracked(
    run: Run, challenger: Challenger, statistics: Mapping[str, Any], arguments: argparse.Namespace
) -> Iterator[Tracker]:
    """Yield the tracker of a promotion in `run`, or one that does nothing if there is none.

    What the steps before could not tell MLflow and nobody will send any more is told here: parameters and test metrics.
    """
    if not run.id:
        yield NoTracker()
        return
    tracker = open_tracker(os.environ, queue_folder=queue_folder(arguments.report), known_run=run.id)
    lost = _lost(run, challenger)
    parameters = _parameters(challenger) if "train" in lost else {}
    dataset = TrackedDataset(challenger.dataset.uri, challenger.dataset.fingerprint, len(challenger.test))
    with begun(tracker, "", parameters, dataset):
        if "test" in lost and statistics:
            tracker.metrics(test_metrics({name: statistics[name] for name in HEADLINES}, statistics))
        yield tracker


def track_results(
    tracker: Tracker, metrics: Mapping[str, float], decided: Mapping[str, Any], version: str, files: tuple[Path, ...]
) -> None:
    """Take down the verdict, the `version` made if any, the metrics as `promotion_<name>`, and the `files`."""
    tracker.metrics({f"promotion_{name}": value for name, value in metrics.items()})
    tracker.tags({"pawline.verdict": decided["verdict"]} | ({"pawline.version": version} if version else {}))
    for path in files:
        tracker.artifact(path, FOLDER)


def _parameters(challenger: Challenger) -> dict[str, object]:
    """Return by the bundle what train tracks of its parameters."""
    manifest = challenger.manifest
    return {name: getattr(manifest, name) for name in ("backbone", "weights", "image_size")} | manifest.training


def _is_elsewhere() -> bool:
    """Return whether events of this pipeline run wait for another MLflow, as it went on with another address."""
    here = {public_uri(os.environ.get("MLFLOW_TRACKING_URI", ""))}
    return is_sent_later(os.environ) and bool(queue.targets(queue_folder(Path())) - here)


def _lost(run: Run, challenger: Challenger) -> list[str]:
    """Return the steps before of which `run` does not have all, and nobody will send the rest any more."""
    if is_sent_later(os.environ) and not _is_elsewhere():
        return []
    said_last = {"train": TRAINED_TAG, "test": TESTED_TAG}
    return [step for step, tag in said_last.items() if run.tags.get(tag) != challenger.digest]
