"""KFP's executor output: how a step hands output parameters, metadata and metrics to whoever runs it.

The shapes are those of kfp 2.17.0 (`kfp/dsl/executor.py`, `kfp/dsl/types/artifact_types.py`), read by the backend's
launcher and by local execution alike. Standard library only, so that any step image can use it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from components.step.errors import UsageError, one_line
from components.step.files import write_text
from components.step.strict_json import read_json

EXECUTOR_INPUT_HELP = "KFP's executor input as JSON; filled in by whoever runs the step, left out by hand"


class ExecutorOutputs:
    """Collects what a step reports; without an executor input it collects in vain, so that a step runs by hand."""

    def __init__(self, executor_input: str | None = None) -> None:
        """Read the places to write to, and the task's `inputs`, from `executor_input`, KFP's JSON for the task.

        Raises:
            UsageError: `executor_input` is not the JSON that KFP gives.
        """
        self._outputs: dict[str, Any] = {}
        self._parameters: dict[str, str | int | float | bool] = {}
        self._metadata: dict[str, dict[str, Any]] = {}
        self.inputs: dict[str, Any] = {}
        if executor_input:
            self._outputs, self.inputs = _parse(executor_input)

    def parameter(self, name: str, value: str | int | float | bool) -> None:
        """Set the output parameter `name`."""
        self._parameters[name] = value

    def metadata(self, artifact: str, values: Mapping[str, Any]) -> None:
        """Add `values` to the metadata of the output artifact called `artifact`."""
        self._metadata.setdefault(artifact, {}).update(values)

    def metrics(self, artifact: str, values: Mapping[str, float]) -> None:
        """Show `values` as the KFP Metrics artifact called `artifact`."""
        self.metadata(artifact, dict(values))

    def confusion_matrix(self, artifact: str, class_names: Sequence[str], matrix: Sequence[Sequence[int]]) -> None:
        """Show `matrix` (rows: truth, columns: prediction) as the KFP ClassificationMetrics called `artifact`."""
        names = [{"displayName": name} for name in class_names]
        rows = [{"row": [float(count) for count in row]} for row in matrix]
        self.metadata(artifact, {"confusionMatrix": {"annotationSpecs": names, "rows": rows}})

    def roc_curve(self, artifact: str, points: Iterable[tuple[float, float, float]]) -> None:
        """Show `points` (false, true positive rate, threshold) as the KFP ClassificationMetrics called `artifact`."""
        names = ("falsePositiveRate", "recall", "confidenceThreshold")
        self.metadata(artifact, {"confidenceMetrics": [dict(zip(names, point, strict=True)) for point in points]})

    def write(self) -> None:
        """Write the executor output and each output parameter's own file, where KFP said to."""
        for name, value in self._parameters.items():
            place = self._outputs.get("parameters", {}).get(name, {}).get("outputFile")
            if place:
                write_text(Path(place), value if isinstance(value, str) else json.dumps(value))
        if self._outputs.get("outputFile"):
            write_text(Path(self._outputs["outputFile"]), json.dumps(self._executor_output()))

    def _executor_output(self) -> dict[str, Any]:
        artifacts = {}
        for name, metadata in self._metadata.items():
            if declared := self._outputs.get("artifacts", {}).get(name, {}).get("artifacts"):
                artifacts[name] = {"artifacts": [_described(artifact, metadata) for artifact in declared]}
        return {"parameterValues": self._parameters, "artifacts": artifacts}


def _parse(executor_input: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the outputs' places, and the values of the input parameters by name."""
    try:
        task = read_json(executor_input)
        outputs, inputs = task["outputs"], task.get("inputs", {}).get("parameterValues", {})
        if isinstance(outputs, dict) and isinstance(inputs, dict):
            return outputs, inputs
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise UsageError(
        f"--executor-input must be KFP's executor input as JSON. "
        f"Received: {one_line(executor_input, 80)}. Leave it out by hand."
    )


def _described(artifact: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**artifact.get("metadata", {}), **metadata}
    return {"name": artifact["name"], "uri": artifact["uri"], "metadata": merged}
