"""The compiled pipeline as data: its parameters and its steps in an order in which they can run.

Reads the pipeline spec of KFP's YAML (api/v2alpha1/pipeline_spec.proto) as far as a straight graph of containers goes;
what the local run could not do faithfully (conditions, loops, nested pipelines, importers) is refused.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from components.step.errors import UsageError, one_line
from components.step.plain_yaml import OnceLoader
from components.step.regular_files import read_regular

UNSUPPORTED = ("triggerPolicy", "parameterIterator", "artifactIterator", "iteratorPolicy")
# What the compiler makes of dsl.IfPresentPlaceholder and dsl.ConcatPlaceholder.
CONDITIONAL_WORDS = ('{"IfPresent"', '{"Concat"')


@dataclass(frozen=True, slots=True)
class Parameter:
    """A pipeline parameter: KFP's type name (e.g. NUMBER_INTEGER), default and description."""

    kind: str
    default: Any
    description: str


@dataclass(frozen=True, slots=True)
class Step:
    """One container of the graph: `command` with KFP's placeholders, and where its inputs come from."""

    name: str
    command: tuple[str, ...]
    input_parameters: Mapping[str, Mapping[str, Any]]
    input_artifacts: Mapping[str, Mapping[str, Any]]
    input_kinds: Mapping[str, str]
    output_parameters: tuple[str, ...]
    output_artifacts: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class CompiledPipeline:
    """A pipeline's name, its parameters and its steps, each after those it depends on."""

    name: str
    parameters: Mapping[str, Parameter]
    steps: tuple[Step, ...]


def load_pipeline(path: Path) -> CompiledPipeline:
    """Read the compiled pipeline at `path`.

    Raises:
        UsageError: the file is missing, is no compiled pipeline, or holds more than a straight graph of containers.
    """
    with refusing_others(path):
        return parse_pipeline(next(documents_of(path), None))  # type: ignore[arg-type]  # None is refused there.


def documents_of(path: Path) -> Iterator[Any]:
    """Yield the documents of the compiled YAML at `path`, unchecked; use it within `refusing_others`."""
    yield from yaml.load_all(read_regular(path).decode(), OnceLoader)


@contextmanager
def refusing_others(path: Path) -> Iterator[None]:
    """Raise a UsageError in place of what is raised within where `path` is no compiled pipeline."""
    try:
        yield
    except (OSError, UnicodeDecodeError, yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "problem", None)
        reason = one_line(reason or f"{type(error).__name__} while reading it", 160)
        raise UsageError(
            f"The pipeline must be a compiled KFP YAML. Received: {path}: {reason}. Compile it with `pawline compile`."
        ) from error


def parse_pipeline(spec: Mapping[str, Any]) -> CompiledPipeline:
    """Return the pipeline in `spec`, the first document of a compiled YAML; see `load_pipeline` for the errors."""
    tasks = spec["root"]["dag"]["tasks"]
    order = TopologicalSorter({name: task.get("dependentTasks", []) for name, task in tasks.items()})
    steps = tuple(_step(spec, name, tasks[name]) for name in order.static_order())
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    parameters = {name: _parameter(definition) for name, definition in declared.items()}
    return CompiledPipeline(spec["pipelineInfo"]["name"], parameters, steps)


def _parameter(definition: Mapping[str, Any]) -> Parameter:
    default = definition.get("defaultValue")
    if definition["parameterType"] == "NUMBER_INTEGER" and default is not None:
        default = int(default)
    return Parameter(definition["parameterType"], default, definition.get("description", ""))


def _step(spec: Mapping[str, Any], name: str, task: Mapping[str, Any]) -> Step:
    component = spec["components"][task["componentRef"]["name"]]
    executor = spec["deploymentSpec"]["executors"].get(component.get("executorLabel"), {})
    _refuse_unsupported(name, task, executor)
    container = executor["container"]
    inputs, outputs = component.get("inputDefinitions", {}), component.get("outputDefinitions", {})
    return Step(
        name=name,
        command=(*container.get("command", ()), *container.get("args", ())),
        input_parameters=task.get("inputs", {}).get("parameters", {}),
        input_artifacts=task.get("inputs", {}).get("artifacts", {}),
        input_kinds={key: value["parameterType"] for key, value in inputs.get("parameters", {}).items()},
        output_parameters=tuple(outputs.get("parameters", {})),
        output_artifacts={key: value["artifactType"] for key, value in outputs.get("artifacts", {}).items()},
    )


def _refuse_unsupported(name: str, task: Mapping[str, Any], executor: Mapping[str, Any]) -> None:
    found = [key for key in UNSUPPORTED if key in task]
    if "container" not in executor:
        found.append("a step that is no container")
    if any(word.startswith(CONDITIONAL_WORDS) for word in executor.get("container", {}).get("args", ())):
        found.append("optional arguments")
    if found:
        raise UsageError(
            f"A local run takes a straight graph of containers. Received: step {name} with {', '.join(found)}. "
            "Run this pipeline on a cluster."
        )
