"""What a KFP backend's driver and launcher do around a container: executor input before it, executor output after it.

The JSON is that of ExecutorInput and ExecutorOutput in kubeflow/pipelines' api/v2alpha1/pipeline_spec.proto.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.step.errors import DataError
from components.step.strict_json import read_json
from pipeline.compiled import Step
from pipeline.local.record import StepState

# The backend gives artifacts no suffix; here a person opens them. These are the formats our steps write.
SUFFIXES = {
    "system.Artifact": ".json",
    "system.ClassificationMetrics": ".json",
    "system.Dataset": ".csv",
    "system.HTML": ".html",
    "system.Markdown": ".md",
    "system.Metrics": ".json",
}
# What the backend's driver puts in place of this constant: the run's id.
RUN_ID = "{{$.pipeline_job_uuid}}"
OF_PIPELINE = "componentInputParameter"  # What names one of the pipeline's own parameters as an input's source.
# Outputs of the one type that says nothing of its form: a folder, and a table.
NAMED_SUFFIXES = {"probabilities": ".parquet", "tensorboard": "", "training_features": ".parquet"}


def executor_input(
    step: Step, folder: Path, parameters: Mapping[str, Any], states: Mapping[str, StepState]
) -> dict[str, Any]:
    """Return the executor input of `step`: its inputs' values, and places under `folder` for its outputs.

    `parameters` are the pipeline's; `states` hold what the steps before have given.
    """
    results = {name: _listed(_output_artifact(name, kind, folder)) for name, kind in step.output_artifacts.items()}
    outputs = {
        "artifacts": results,
        "parameters": {name: {"outputFile": str(folder / "parameters" / name)} for name in step.output_parameters},
        "outputFile": str(folder / "executor_output.json"),
    }
    # What a sweep varies is not there for the steps that its candidates share, which only check it.
    sources = {name: s for name, s in step.input_parameters.items() if s.get(OF_PIPELINE, "") in ("", *parameters)}
    values = {name: _value(source, parameters, states) for name, source in sources.items()}
    values = {name: folder.parent.name if value == RUN_ID else value for name, value in values.items()}
    artifacts = {name: _listed(_input_artifact(source, states)) for name, source in step.input_artifacts.items()}
    return {"inputs": {"parameterValues": values, "artifacts": artifacts}, "outputs": outputs}


def collect_outputs(step: Step, state: StepState, outputs: Mapping[str, Any]) -> None:
    """Take over into `state` what `step` has written to the places in `outputs`, a part of its executor input.

    Raises:
        DataError: an output parameter or artifact is missing, or the executor output is no JSON.
    """
    given = _read_executor_output(step.name, Path(outputs["outputFile"]))
    for name in step.output_parameters:
        place = Path(outputs["parameters"][name]["outputFile"])
        state.parameters[name] = _output_parameter(step.name, name, given, place)
    for name, listed in outputs["artifacts"].items():
        state.artifacts[name] = _written_artifact(step.name, listed["artifacts"][0], given)


def _listed(artifact: dict[str, Any]) -> dict[str, Any]:
    return {"artifacts": [artifact]}


def _output_artifact(name: str, kind: Mapping[str, str], folder: Path) -> dict[str, Any]:
    suffix = NAMED_SUFFIXES.get(name, SUFFIXES.get(kind.get("schemaTitle", ""), ""))
    # `predictions_csv`, beside `predictions`, says its form already.
    path = folder / (name.removesuffix(suffix.replace(".", "_")) + suffix if suffix else name)
    return {"name": name, "type": dict(kind), "uri": str(path), "metadata": {}}


def _input_artifact(source: Mapping[str, Any], states: Mapping[str, StepState]) -> dict[str, Any]:
    output = source["taskOutputArtifact"]
    return states[output["producerTask"]].artifacts[output["outputArtifactKey"]]


def _value(source: Mapping[str, Any], parameters: Mapping[str, Any], states: Mapping[str, StepState]) -> Any:
    if OF_PIPELINE in source:
        return parameters[source[OF_PIPELINE]]
    if "taskOutputParameter" in source:
        output = source["taskOutputParameter"]
        return states[output["producerTask"]].parameters[output["outputParameterKey"]]
    return source["runtimeValue"]["constant"]


def _output_parameter(step: str, name: str, given: Mapping[str, Any], file: Path) -> Any:
    # The launcher's order: the executor output first, else the parameter's own file.
    if name in given.get("parameterValues", {}):
        return given["parameterValues"][name]
    if file.is_file():
        return file.read_text(encoding="utf-8")
    raise DataError(f"Step {step} must give its output parameter {name}. Received: none. See its log.")


def _written_artifact(step: str, artifact: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    if not Path(artifact["uri"]).exists():
        raise DataError(f"Step {step} must write its output {artifact['name']}. Received: nothing. See its log.")
    described = given.get("artifacts", {}).get(artifact["name"], {}).get("artifacts") or [{}]
    return {**artifact, "metadata": described[0].get("metadata", {})}


def _read_executor_output(step: str, path: Path) -> dict[str, Any]:
    try:
        given = read_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DataError(f"Step {step} must write its executor output as JSON. Received: {path}.") from error
    return given if isinstance(given, dict) else {}
