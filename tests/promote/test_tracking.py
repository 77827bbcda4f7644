"""What promote tells MLflow in place of the steps before it, whose events wait for another one."""

import os
from pathlib import Path

import pytest

from components.promote import tracking
from components.step.addresses import sqlite_uri
from components.tracking import sending
from components.tracking.shared_run import QUEUE
from components.tracking.tracker import TrackedDataset, open_tracker


@pytest.mark.parametrize("resumed", ["here", "there"])
def test_a_run_that_went_on_with_another_mlflow_lacks_there_what_it_said_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resumed: str
) -> None:
    monkeypatch.setattr("components.tracking.tracker.start_sending", lambda queue, _: sending.Sending(queue, None))
    monkeypatch.setenv(QUEUE, str(tmp_path / "queue"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri(tmp_path / "here.db"))
    tracker = open_tracker(os.environ, queue_folder=tmp_path / "queue")
    tracker.start("train", {"epochs": 3}, {}, TrackedDataset("s3://bucket/x", "f" * 64, 12))
    tracker.finish("FINISHED")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_uri(tmp_path / f"{resumed}.db"))
    assert tracking._is_elsewhere() == (resumed == "there")
    monkeypatch.delenv(QUEUE)
    assert not tracking._is_elsewhere()  # On a cluster a step's queue goes with its pod.
