"""What of a test is tracked, by whatever tracker the environment names."""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from components.bundle.manifest import MANIFEST
from components.bundle.reader import Bundle
from components.dataset.snapshot import Dataset
from components.tracking.lifetime import attempt_key, begun
from components.tracking.tracker import TrackedDataset, Tracker, open_tracker

# What tells one test from another; all other options say where files lie.
_PARAMETERS = ("dataset_uri", "batch_size")
FOLDER = "test"


@contextmanager
def tracked(arguments: argparse.Namespace, bundle: Bundle, dataset: Dataset, samples: int) -> Iterator[Tracker]:
    """Yield the tracker of a test, begun; it is told how the block ended.

    Parameters begin with `test_`, so that they fit into a run that MLFLOW_RUN_ID names and that train began.
    """
    parameters = {f"test_{name}": getattr(arguments, name) for name in _PARAMETERS}
    parameters["test_bundle_dataset"] = bundle.manifest.dataset_fingerprint
    key = attempt_key(parameters, [bundle.directory / MANIFEST, arguments.test_samples])
    folder = Path(arguments.statistics).absolute().parent / "tracking-queue"
    tracker = open_tracker(os.environ, queue_folder=folder, key=key)
    named = TrackedDataset(dataset.uri, dataset.fingerprint, samples)
    with begun(tracker, f"test {bundle.manifest.backbone}", parameters, named):
        yield tracker


def track_results(tracker: Tracker, metrics: Mapping[str, float], files: Sequence[Path]) -> None:
    """Take down `metrics`, each as `test_<name>`, and the `files`, all in one folder of the run."""
    tracker.metrics({name if name.startswith("test_") else f"test_{name}": value for name, value in metrics.items()})
    for path in files:
        tracker.artifact(path, FOLDER)
