"""The headline results of a run: what the last steps found, and where the reports are."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.step.strict_json import read_json
from pipeline.local.display import short_path
from pipeline.local.record import RunRecord, StepState
from pipeline.local.tracking import where_to_look

# What a person looks for after a run: step, output, and what to call it.
PLACES = (
    ("extract", "report", "data report"),
    ("train", "report", "training report"),
    ("test", "report", "test report"),
    ("promote", "report", "promotion report"),
    ("train", "bundle", "model"),
    ("train", "model_card", "model card"),
)
# Lists that are worth a look when they are not empty: metric of the test step, its output, and what to call it.
LISTS = (
    ("suspected_label_errors", "label_errors", "doubtful labels"),
    ("near_duplicates", "near_duplicates", "near-duplicates"),
)


def headline_results(record: RunRecord) -> dict[str, str]:
    """Return what to print below a run's table, by name: metrics, fingerprint, paths; only what the run has given."""
    steps = {state.name: state for state in record.steps}
    results = _metrics(steps["test"]) if "test" in steps else {}
    fingerprint = steps["extract"].parameters.get("fingerprint") if "extract" in steps else None
    if fingerprint:
        results["dataset"] = str(fingerprint)
    if "promote" in steps and (verdict := steps["promote"].parameters.get("verdict")):
        results["promotion"] = str(verdict)
    return results | _places(steps) | {"everything": short_path(record.folder)} | _commands(record, steps)


def how_to_go_on(record: RunRecord) -> dict[str, str]:
    """Return the command that goes on with the run, if it ended early."""
    if record.status not in ("failed", "stopped"):
        return {}
    runs = record.folder.parent
    where = [] if runs == Path("runs").absolute() else ["--runs", short_path(runs)]
    return {"go on": shlex.join(["pawline", "run", "--resume", record.folder.name, *where])}


def _metrics(test: StepState) -> dict[str, str]:
    return figures_of(statistics_of(test)) | _lists(test)


def figures_of(statistics: Mapping[str, Any]) -> dict[str, str]:
    """Return what to print of the test step's `statistics`, by name."""
    results = {}
    if "accuracy" in statistics:
        results["test accuracy"] = _accuracy(statistics)
    if "macro_f1" in statistics:
        results["macro F1"] = f"{statistics['macro_f1']:.4f}"
    return results


def _lists(test: StepState) -> dict[str, str]:
    """Return what the test found that a person should look at, where it found anything."""
    found = {}
    metadata = test.artifacts.get("metrics", {}).get("metadata", {})
    for metric, artifact, name in LISTS:
        if count := int(metadata.get(metric) or 0):
            found[name] = f"{count}: {short_path(Path(test.artifacts[artifact]['uri']))}"
    return found


def statistics_of(test: StepState) -> dict[str, Any]:
    """Return the statistics that the test step, in the state `test`, has written; nothing if they cannot be read."""
    try:
        found = read_json(Path(test.artifacts["statistics"]["uri"]).read_bytes())
    except (LookupError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _accuracy(statistics: Mapping[str, Any]) -> str:
    text = f"{statistics['accuracy']:.4f}"
    if "accuracy_interval_95" in statistics:
        low, high = statistics["accuracy_interval_95"]
        text += f" (95 %: {low:.2f} to {high:.2f})"
    if "ok" in statistics and "total" in statistics:
        text += f", {statistics['ok']} of {statistics['total']}"
    return text


def _places(steps: Mapping[str, StepState]) -> dict[str, str]:
    found = {}
    for step, output, name in PLACES:
        if step in steps and output in steps[step].artifacts:
            found[name] = short_path(Path(steps[step].artifacts[output]["uri"]))
    return found


def _commands(record: RunRecord, steps: Mapping[str, StepState]) -> dict[str, str]:
    """Return the commands that show the run's curves: TensorBoard's and MLflow's, with links."""
    found = {}
    if "train" in steps and "tensorboard" in steps["train"].artifacts:
        folder = short_path(Path(steps["train"].artifacts["tensorboard"]["uri"]))
        found["TensorBoard"] = shlex.join(["tensorboard", "--logdir", folder])
    return found | where_to_look(record.folder)
