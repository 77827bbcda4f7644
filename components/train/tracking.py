"""What of a training is tracked, by whatever tracker the environment names."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.dataset.snapshot import Dataset
from components.tracking.lifetime import attempt_key, begun
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
    tracker = open_tracker(os.environ, queue_folder=_queue_folder(arguments), key=key)
    named = TrackedDataset(dataset.uri, dataset.fingerprint, samples)
    with begun(tracker, f"train {arguments.backbone}", parameters, named):
        yield tracker


def _queue_folder(arguments: argparse.Namespace) -> Path:
    bundle: Path = arguments.bundle
    return bundle.absolute().parent / "tracking-queue"
