"""What of a training is tracked, by whatever tracker the environment names."""

import argparse
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.dataset import Dataset
from components.tracking import Status, TrackedDataset, Tracker, open_tracker

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
    tracker = open_tracker(os.environ, queue_folder=_queue_folder(arguments), key=_key(arguments, parameters))
    named = TrackedDataset(dataset.uri, dataset.fingerprint, samples)
    tracker.start(f"train {arguments.backbone}", parameters, {}, named)
    status: Status = "FAILED"
    try:
        yield tracker
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        tracker.finish(status)


def _queue_folder(arguments: argparse.Namespace) -> Path:
    bundle: Path = arguments.bundle
    return bundle.absolute().parent / "tracking-queue"


def _key(arguments: argparse.Namespace, parameters: dict[str, object]) -> str:
    """Return the same key for every attempt at the same training, so that a retried one goes on with its run."""
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for name in _TABLES:
        digest.update(Path(getattr(arguments, name)).read_bytes())
    return digest.hexdigest()[:16]
