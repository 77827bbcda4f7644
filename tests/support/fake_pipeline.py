"""Small compiled pipelines whose steps are Python one-liners, for tests that run real processes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.compiled import Parameter

# One parameter of each type.
DECLARED = {
    "text": Parameter("STRING", "", ""),
    "count": Parameter("NUMBER_INTEGER", 3, ""),
    "rate": Parameter("NUMBER_DOUBLE", 0.5, ""),
    "flag": Parameter("BOOLEAN", False, ""),
    "labels": Parameter("STRUCT", {}, ""),
    "tolerations": Parameter("LIST", [], ""),
}
WRITE_OUTPUT = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('made')"


@dataclass(frozen=True)
class FakeStep:
    """A step that runs `python -c code *args`; sources are "parameter" names or "step.output"."""

    name: str
    code: str
    args: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    output_parameters: tuple[str, ...] = ()
    output_artifacts: dict[str, str] = field(default_factory=dict)


def fake_spec(*steps: FakeStep, parameters: dict[str, tuple[str, Any]] | None = None) -> dict[str, Any]:
    """Return the pipeline spec of `steps`; `parameters` are (KFP type, default) by name."""
    inputs = {
        name: {"parameterType": kind, "isOptional": True} | ({} if default is None else {"defaultValue": default})
        for name, (kind, default) in (parameters or {}).items()
    }
    return {
        "pipelineInfo": {"name": "fake"},
        "schemaVersion": "2.1.0",
        "components": {f"comp-{step.name}": _component(step) for step in steps},
        "deploymentSpec": {"executors": {f"exec-{step.name}": _executor(step) for step in steps}},
        "root": {
            "dag": {"tasks": {step.name: _task(step) for step in steps}},
            "inputDefinitions": {"parameters": inputs},
        },
    }


def write_fake(path: Path, spec: dict[str, Any]) -> Path:
    """Write `spec` as a compiled YAML, with a platform document behind it as the compiler does."""
    path.write_text(yaml.safe_dump_all([spec, {"platforms": {}}]), encoding="utf-8")
    return path


def _executor(step: FakeStep) -> dict[str, Any]:
    return {"container": {"image": "fake", "command": ["python", "-c", step.code], "args": list(step.args)}}


def _component(step: FakeStep) -> dict[str, Any]:
    return {
        "executorLabel": f"exec-{step.name}",
        "outputDefinitions": {
            "parameters": {name: {"parameterType": "STRING"} for name in step.output_parameters},
            "artifacts": {name: {"artifactType": {"schemaTitle": t}} for name, t in step.output_artifacts.items()},
        },
    }


def _task(step: FakeStep) -> dict[str, Any]:
    sources = [*step.parameters.values(), *step.artifacts.values()]
    return {
        "componentRef": {"name": f"comp-{step.name}"},
        "taskInfo": {"name": step.name},
        "dependentTasks": sorted({source.split(".")[0] for source in sources if "." in source}),
        "inputs": {
            "parameters": {name: _parameter_source(source) for name, source in step.parameters.items()},
            "artifacts": {
                name: {"taskOutputArtifact": _output(source, "Artifact")} for name, source in step.artifacts.items()
            },
        },
    }


def _parameter_source(source: str) -> dict[str, Any]:
    if "." in source:
        return {"taskOutputParameter": _output(source, "Parameter")}
    return {"componentInputParameter": source}


def _output(source: str, kind: str) -> dict[str, str]:
    producer, output = source.split(".")
    return {"producerTask": producer, f"output{kind}Key": output}
