"""What of a test is tracked, by whatever tracker the environment names."""

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.bundle.manifest import MANIFEST, sha256_of
from components.dataset.snapshot import Dataset
from components.test.loading import AskedBundle
from components.test.outputs import written
from components.test.results import Results
from components.tracking.lifetime import attempt_key, begun
from components.tracking.mlflow_run import NOTE_TAG, TESTED_TAG
from components.tracking.shared_run import queue_folder
from components.tracking.tracker import TrackedDataset, Tracker, open_tracker

# What tells one test from another; all other options say where files lie.
_PARAMETERS = ("dataset_uri", "batch_size")
FOLDER = "test"


@contextmanager
def tracked(arguments: argparse.Namespace, bundle: AskedBundle, dataset: Dataset, samples: int) -> Iterator[Tracker]:
    """Yield the tracker of a test, begun; it is told how the block ended.

    Parameters begin with `test_`, so that they fit into a run that MLFLOW_RUN_ID names and that train began.
    """
    parameters = {f"test_{name}": getattr(arguments, name) for name in _PARAMETERS}
    parameters["test_bundle_dataset"] = bundle.manifest.dataset_fingerprint
    key = attempt_key(parameters, [bundle.directory / MANIFEST, arguments.test_samples])
    folder, digest = queue_folder(arguments.statistics), sha256_of(bundle.directory / MANIFEST)
    tracker = open_tracker(os.environ, queue_folder=folder, key=key, bundle=digest)
    named = TrackedDataset(dataset.uri, dataset.fingerprint, samples)
    with begun(tracker, f"test {bundle.manifest.backbone}", parameters, named):
        yield tracker


def track_results(tracker: Tracker, results: Results, arguments: argparse.Namespace) -> None:
    """Take down the metrics, each as `test_<name>` and with its interval, and the files, all in one folder of the run.

    The summary is the run's description; last comes that it was tested.
    """
    tracker.metrics(test_metrics(results.metrics, results.statistics))
    for path in written(arguments):
        tracker.artifact(path, FOLDER)
    if arguments.summary:
        tracker.tags({NOTE_TAG: Path(arguments.summary).read_text(encoding="utf-8")})
    tracker.tags({TESTED_TAG: sha256_of(arguments.bundle / MANIFEST)})


def test_metrics(metrics: Mapping[str, float], statistics: Mapping[str, Any]) -> dict[str, float]:
    """Return `metrics` as `test_<name>`, with `_low` and `_high` of those that `statistics` has an interval of."""
    named = {name.removeprefix("test_"): value for name, value in metrics.items()}
    ends = {
        f"{name}_{end}": found[end]
        for name, found in statistics["intervals"].items()
        if found and name in named
        for end in ("low", "high")
    }
    return {f"test_{name}": value for name, value in {**named, **ends}.items()}
