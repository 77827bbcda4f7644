"""The pipeline's steps as processes on a reference task, timed as a user waits for them."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """How long a process took in seconds, the most memory it held in MiB, and the processor time it used in seconds.

    Processor time changes little with what else the machine does. `training` is what the train step says its epochs
    took, in seconds.
    """

    seconds: float
    peak: float
    busy: float
    training: float = 0.0


@dataclass(frozen=True)
class Task:
    """A dataset that extract wrote, what that took, and the folder for all that its steps write."""

    folder: Path
    dataset_uri: str
    extracting: Run | None = None


def run(module: str, *arguments: object, **options: object) -> Run:
    """Run `python -m module arguments --options` to its end; its log goes to this process's standard error."""
    words = [str(word) for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    command = [sys.executable, "-m", module, *map(str, arguments), *words]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return Run(time.perf_counter() - started, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)


def extracted(folder: Path, **options: object) -> Task:
    """Return the task of the images and annotations that `options` of extract name, in `folder`."""
    tables = {"samples": folder / "samples.csv", "report": folder / "data.html"}
    done = run("components.extract", dataset_store=folder / "datasets", **tables, **options)
    [dataset] = (path.parent for path in (folder / "datasets").glob("*/dataset.json"))
    return Task(folder, str(dataset), done)


def cats_dogs_other(data: Path, folder: Path) -> Task:
    """Return the reference task, grouped by document."""
    source = data / "cats-dogs-other"
    return extracted(
        folder,
        annotations_uri=source / "cats_dogs_others-annotations.json",
        images_uri=source / "images",
        group_pattern="(?P<document>.+)_page",
    )


def folders(images: Path, folder: Path) -> Task:
    """Return the task of `images`, one folder a class; images that lie in two (six of TrashNet's) are left out."""
    source = {"annotations_uri": "", "images_uri": images, "annotation_format": "folders"}
    return extracted(folder, on_bad_sample="drop", **source)


def split(task: Task, seed: int = 0) -> Run:
    """Split the task's samples 80/10/10."""
    tables = {f"{name}_samples": task.folder / f"{name}.csv" for name in ("train", "validation", "test")}
    return run("components.split", dataset_uri=task.dataset_uri, seed=seed, summary=task.folder / "split.md", **tables)


def train(task: Task, name: str, **options: object) -> Run:
    """Train; the outputs lie below the task's folder under `name`."""
    out = task.folder / name
    done = run(
        "components.train",
        dataset_uri=task.dataset_uri,
        train_samples=task.folder / "train.csv",
        validation_samples=task.folder / "validation.csv",
        **_files(out, bundle="bundle", metrics="metrics.json", history="history.csv", report="report.html"),
        **options,
    )
    return replace(done, training=json.loads((out / "metrics.json").read_text())["seconds_training"])


def evaluate(task: Task, name: str) -> dict[str, Any]:
    """Return the metrics on the test table of the bundle trained under `name`."""
    test(task, name)
    return json.loads((task.folder / name / "test.json").read_text())


def test(task: Task, name: str) -> Run:
    """Test the bundle trained under `name`."""
    out = task.folder / name
    outputs = _files(
        out,
        statistics="statistics.json",
        predictions="predictions.json",
        predictions_csv="predictions.csv",
        metrics="test.json",
        confusion_matrix="confusion.json",
        report="test.html",
    )
    tables = {"bundle": out / "bundle", "test_samples": task.folder / "test.csv"}
    return run("components.test", dataset_uri=task.dataset_uri, **tables, **outputs)


def _files(out: Path, **names: str) -> dict[str, Path]:
    return {option: out / name for option, name in names.items()}
