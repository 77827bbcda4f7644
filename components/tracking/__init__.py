"""Tracking a training run in MLflow, without ever failing or delaying the training.

What is tracked is appended to a queue on disk, which costs microseconds; a process of its own sends the queue to MLflow
(`components/tracking/sender.py`), so that a server that is slow, down, read-only or full only leaves events in the
queue. The next tracker of the same queue folder sends them, or a person: `python -m components.tracking QUEUE_FOLDER`.

    tracker = open_tracker(os.environ, queue_folder=folder)
    tracker.start("train vgg16", {"epochs": 30}, {"git_commit": "…"}, TrackedDataset(uri, fingerprint, 900))
    tracker.epoch(1, {"loss": 0.7, "validation_loss": 0.6})
    tracker.metrics({"validation_accuracy": 0.97})
    tracker.artifact(Path("report.html"), "reports")
    tracker.model(bundle_directory)
    tracker.finish("FINISHED")
"""

from components.tracking.tracker import (
    EXPERIMENT,
    MlflowTracker,
    NoTracker,
    Status,
    TrackedDataset,
    Tracker,
    open_tracker,
)

__all__ = ["EXPERIMENT", "MlflowTracker", "NoTracker", "Status", "TrackedDataset", "Tracker", "open_tracker"]
