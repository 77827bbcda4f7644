"""What of a training is tracked, by whatever tracker the environment names."""

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from components.bundle.manifest import MANIFEST, sha256_of
from components.dataset.snapshot import Dataset
from components.tracking.lifetime import attempt_key, begun
from components.tracking.mlflow_run import BUNDLE_TAG, TRAINED_TAG
from components.tracking.shared_run import queue_folder
from components.tracking.tracker import TrackedDataset, Tracker, open_tracker

# Options that say where files lie: they change from attempt to attempt and tell nothing about the training.
_PLACES = {
    "bundle",
    "metrics",
    "history",
    "report",
    "tensorboard",
    "training_features",
    "model_card",
    "executor_input",
}
_TABLES = ("train_samples", "validation_samples")


@contextmanager
def tracked(arguments: argparse.Namespace, dataset: Dataset, samples: int) -> Iterator[Tracker]:
    """Yield the tracker of a training, begun; it is told how the block ended."""
    parameters = {name: value for name, value in vars(arguments).items() if name not in {*_PLACES, *_TABLES}}
    key = attempt_key(parameters, [Path(getattr(arguments, name)) for name in _TABLES])
    tracker = open_tracker(os.environ, queue_folder=queue_folder(arguments.bundle), key=key)
    named = TrackedDataset(dataset.uri, dataset.fingerprint, samples)
    with begun(tracker, f"train {arguments.backbone}", parameters, named):
        yield tracker


def track_results(tracker: Tracker, arguments: argparse.Namespace, metrics: Mapping[str, float]) -> None:
    """Take down what the training gave; last the bundle's digest, by which later steps find the run."""
    tracker.metrics(metrics)
    tracker.artifact(arguments.report, "reports")
    tracker.model(arguments.bundle)
    digest = sha256_of(arguments.bundle / MANIFEST)
    tracker.tags({BUNDLE_TAG: digest, TRAINED_TAG: digest})
