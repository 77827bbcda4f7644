"""What the pods of a run will ask of a cluster, as the compiled YAML and the run's parameters say."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

from pipeline.compiled import documents_of, refusing_others

PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['(?:pipelinechannel--)?([^']+)'\]\}\}")
RESOURCES = {"cpu": "Cpu", "memory": "Memory"}


@dataclass(frozen=True, slots=True)
class KeysOf:
    """The keys of a secret or ConfigMap that a step is given, by the variables that they become or that name them."""

    name: str
    keys: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False


@dataclass(frozen=True, slots=True)
class StepNeeds:
    """The pod of one step; quantities are text as Kubernetes takes it, `scratch` is size and storage class."""

    name: str
    image: str
    environment: Mapping[str, str]
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    secrets: tuple[KeysOf, ...] = ()
    config_maps: tuple[KeysOf, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    scratch: tuple[str, str] | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    non_root: bool = False
    deadline: bool = False


def read_needs(path: Path, steps: Sequence[str], parameters: Mapping[str, Any]) -> tuple[StepNeeds, ...]:
    """Return the needs of each of `steps` of the compiled pipeline at `path`, from which `load_pipeline` has these.

    Raises:
        UsageError: the file is no compiled pipeline.
    """
    with refusing_others(path):
        spec, platform = islice(chain(documents_of(path), repeat({})), 2)
        settings = {} if platform is None else platform
        placed = settings.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
        executors, tasks = spec["deploymentSpec"]["executors"], spec["root"]["dag"]["tasks"]
        labels = {name: spec["components"][tasks[name]["componentRef"]["name"]]["executorLabel"] for name in steps}
        return tuple(
            _needs(name, executors[label]["container"], placed.get(label, {}), parameters)
            for name, label in labels.items()
        )


def _needs(
    name: str, container: Mapping[str, Any], placed: Mapping[str, Any], parameters: Mapping[str, Any]
) -> StepNeeds:
    resources = container.get("resources", {})
    volumes = placed.get("genericEphemeralVolume", [])
    environment = {item["name"]: item.get("value", "") for item in container.get("env", [])}
    return StepNeeds(
        name=name,
        image=_text(container.get("image", ""), parameters),
        environment=environment,
        requests=_quantities(resources, "Request", parameters),
        limits=_quantities(resources, "Limit", parameters),
        secrets=(
            *(_keys(item, "secretName", parameters) for item in placed.get("secretAsEnv", [])),
            *(_mounted(item, "secretName", environment, parameters) for item in placed.get("secretAsVolume", [])),
        ),
        config_maps=tuple(
            _mounted(item, "configMapName", environment, parameters) for item in placed.get("configMapAsVolume", [])
        ),
        pull_secrets=tuple(_name(item, "secretName", parameters) for item in placed.get("imagePullSecret", [])),
        scratch=next(((volume["size"], volume.get("storageClassName", "")) for volume in volumes), None),
        node_selector=_given(placed.get("nodeSelector", {}).get("nodeSelectorJson", {}), parameters) or {},
        tolerations=[*_tolerations(placed, parameters)],
        labels=placed.get("podMetadata", {}).get("labels", {}),
        non_root=bool(placed.get("securityContext", {}).get("runAsNonRoot")),
        deadline="activeDeadlineSeconds" in placed,
    )


def _quantities(resources: Mapping[str, Any], kind: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    found = {name: _text(resources.get(f"resource{word}{kind}", ""), parameters) for name, word in RESOURCES.items()}
    accelerator = resources.get("accelerator", {}) if kind == "Limit" else {}
    count = _text(accelerator.get("resourceCount", ""), parameters)
    if count.strip("0"):
        found[_text(accelerator.get("resourceType", ""), parameters)] = count
    return {name: quantity for name, quantity in found.items() if quantity}


def _keys(item: Mapping[str, Any], name: str, parameters: Mapping[str, Any]) -> KeysOf:
    keys = {pair["envVar"]: pair["secretKey"] for pair in item.get("keyToEnv", [])}
    return KeysOf(_name(item, name, parameters), keys, bool(item.get("optional")))


def _mounted(
    item: Mapping[str, Any], name: str, environment: Mapping[str, str], parameters: Mapping[str, Any]
) -> KeysOf:
    """Return what is mounted as a folder: its keys are the files in it that variables name."""
    folder = f"{item['mountPath']}/"
    keys = {key: value.removeprefix(folder) for key, value in environment.items() if value.startswith(folder)}
    return KeysOf(_name(item, name, parameters), keys, bool(item.get("optional")))


def _name(item: Mapping[str, Any], name: str, parameters: Mapping[str, Any]) -> str:
    return str(_given(item.get(f"{name}Parameter", {}), parameters) or item.get(name, ""))


def _tolerations(placed: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in placed.get("tolerations", []):
        given = _given(item.get("tolerationJson", {}), parameters)
        yield from [given] if isinstance(given, dict) else given or []


def _given(value: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    """Return the value that KFP's input specification `value` stands for, None if it stands for none."""
    if "componentInputParameter" in value:
        return parameters.get(str(value["componentInputParameter"]).removeprefix("pipelinechannel--"))
    return value.get("runtimeValue", {}).get("constant")


def _text(value: object, parameters: Mapping[str, Any]) -> str:
    return PLACEHOLDER.sub(lambda found: str(parameters.get(found[1], "")), str(value))
