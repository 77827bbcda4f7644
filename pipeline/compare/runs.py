"""Tested runs read back from their folders, and the check that they saw the same test set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.bundle.manifest import Manifest, read_manifest
from components.step.errors import DataError, UsageError, first_ten, one_line
from components.step.regular_files import read_regular
from components.step.strict_json import read_json
from pipeline.compare.metrics import Measured, measured
from pipeline.local.record import RECORD, recorded_values, shown_status
from pipeline.local.references import find_run

STATISTICS, PREDICTIONS = "test/statistics.json", "test/predictions.json"
TRAIN_METRICS, BUNDLE, SECONDS = "train/metrics.json", "train/bundle", "seconds"


@dataclass(frozen=True, slots=True)
class TestedRun:
    """A run with its test's results; `right` is bool `[N]` in the order of `samples`, (sample id, label) sorted by id.

    `groups` are the N samples' groups, `metrics` the test's figures by key, `seconds` those of the training by
    activity, its total under "".
    """

    __test__ = False  # For pytest: not a class of tests.

    name: str
    folder: Path
    parameters: Mapping[str, Any]
    fingerprint: str
    metrics: Mapping[str, Measured]
    seconds: Mapping[str, float]
    samples: tuple[tuple[str, str], ...]
    groups: tuple[str, ...]
    right: NDArray[np.bool_]
    manifest: Manifest

    @property
    def bundle(self) -> Path:
        """The folder of the run's bundle."""
        return self.folder / BUNDLE


def read_runs(names: Sequence[str], runs: Path) -> list[TestedRun]:
    """Return the runs called `names`, each as `pipeline.local.references.find_run` finds it.

    Raises:
        UsageError: fewer than two are named, one twice, or there is no such run.
        DataError: a run has not been tested, is damaged, or was tested on other samples than the first.
    """
    if len(names) < 2:
        raise UsageError(f"A comparison takes two runs or more. Received: {len(names)}. Name another run.")
    folders = [find_run(name, runs) for name in names]
    for folder in folders:
        if folders.count(folder) > 1:
            raise UsageError(f"A comparison takes each run once. Received: {one_line(folder)} twice. Leave one out.")
    found = [read_run(folder, _shown_name(folder, folders)) for folder in folders]
    for other in found[1:]:
        check_comparable(found[0], other)
    return found


def read_run(folder: Path, name: str) -> TestedRun:
    """Return the run in `folder`, to be shown as `name`.

    Raises:
        DataError: it has not been tested, or one of its files is missing or damaged.
    """
    parameters, fingerprint = _record(folder, name)
    samples, groups, right = _predictions(folder / PREDICTIONS)
    metrics, seconds = _metrics(folder / STATISTICS, right), _seconds(folder / TRAIN_METRICS)
    manifest = read_manifest(folder / BUNDLE)
    return TestedRun(name, folder, parameters, fingerprint, metrics, seconds, samples, groups, right, manifest)


def check_comparable(first: TestedRun, other: TestedRun) -> None:
    """Check that two runs were tested on the same samples of the same dataset.

    Raises:
        DataError: they were not; the message names both and what differs.
    """
    both = f"{one_line(first.name, 90)} and {one_line(other.name, 90)}"
    if first.fingerprint != other.fingerprint:
        raise DataError(
            f"Compared runs must have one dataset. Received: {both} with fingerprints {first.fingerprint[:12]} and "
            f"{other.fingerprint[:12]}. Train both on the same annotations and images."
        )
    if differing := sorted({name for name, _ in set(first.samples) ^ set(other.samples)}):
        raise DataError(
            f"Compared runs must have one test set. Received: {both}, which differ in {first_ten(differing)}. "
            "Split with the same ratios, method and seed."
        )


def _shown_name(folder: Path, folders: Sequence[Path]) -> str:
    alike = [other for other in folders if other.name == folder.name]
    return folder.name if len(alike) == 1 else str(folder)


def _read(path: Path, kind: type) -> Any:
    try:
        found = read_json(read_regular(path))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    if not isinstance(found, kind):
        raise _damaged(path, f"no JSON {'object' if kind is dict else 'list'}")
    return found


def _record(folder: Path, name: str) -> tuple[dict[str, Any], str]:
    """Return the run's parameters and its dataset's fingerprint."""
    try:
        record = recorded_values(folder)
        steps = {step["name"]: step for step in record["steps"]}
        tested = shown_status(record, steps.get("test", {}).get("status", "not there"))
        if tested != "succeeded":
            whole = shown_status(record, record.get("status", "without a status"))
            found = f"test {one_line(tested, 40)}, run {one_line(whole, 40)}"
            raise DataError(
                f"A run must have been tested to be compared. Received: {one_line(name)}, {found}. "
                "Leave it out or run it again."
            )
        return dict(record["parameters"]), str(steps["extract"]["outputs"]["fingerprint"])
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _damaged(folder / RECORD, error) from error


def _predictions(path: Path) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...], NDArray[np.bool_]]:
    try:
        rows = sorted(_row(found) for found in _read(path, list))
    except (LookupError, TypeError) as error:
        raise _damaged(path, error) from error
    if len({row[0] for row in rows}) != len(rows) or not rows:
        raise _damaged(path, "no samples, or one twice")
    return tuple(row[:2] for row in rows), tuple(row[2] for row in rows), np.array([row[3] for row in rows], bool)


def _row(found: Mapping[str, Any]) -> tuple[str, str, str, bool]:
    texts = (found["filename"], found["prediction_truth"], found["group"], found["prediction"])
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("filename, labels and group must be text")
    return *texts[:3], texts[3] == texts[1]


def _metrics(path: Path, right: NDArray[np.bool_]) -> dict[str, Measured]:
    found = _read(path, dict)
    if (found.get("ok"), found.get("total")) != (int(right.sum()), len(right)):
        raise _damaged(path, f"ok={found.get('ok')}, total={found.get('total')}, which predictions.json contradicts")
    try:
        metrics = measured(found)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error
    if missing := [key for key in ("accuracy", "macro_f1") if key not in metrics]:
        raise _damaged(path, f"no {missing[0]}")
    return metrics


def _seconds(path: Path) -> dict[str, float]:
    found = {name: value for name, value in _read(path, dict).items() if name.startswith(SECONDS)}
    if not all(isinstance(value, int | float) for value in found.values()):
        raise _damaged(path, "seconds that are no numbers")
    return {name.removeprefix(SECONDS).removeprefix("_"): float(value) for name, value in found.items()}


def _damaged(path: Path, what: object) -> DataError:
    reason = getattr(what, "strerror", None) or what
    return DataError(
        f"A run's files must be as its steps wrote them. Received: {one_line(path)}: {one_line(reason)}. "
        "Leave the run out or run it again."
    )
