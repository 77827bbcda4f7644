"""The pods that KFP makes of the compiled pipeline's steps, without KFP: for any Kubernetes.

As its compiler and driver do (backend/src/v2/compiler/argocompiler and driver): the container's command and image, its
resources out of the parameters, secrets, labels and places of the platform spec, and empty volumes where it writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.step.strict_json import read_json
from pipeline.compiled import Step, load_pipeline
from pipeline.local.executor import executor_input
from pipeline.local.placeholders import PLACEHOLDER, resolve_command
from pipeline.local.record import StepState
from tests.support.little_launcher import MOUNT
from tests.support.live_cluster import ANY_USER, Document, LiveCluster
from tests.support.live_store import LiveStore

LAUNCHER = Path(__file__).with_name("little_launcher.py")
LAUNCHER_FOLDER = "/kfp-launcher"
# Where KFP mounts empty volumes in every step.
WRITABLE = (MOUNT, "/gcs", "/minio", "/.local", "/.cache", "/.config")
CHANNEL = "pipelinechannel--"  # What the compiler puts before a pipeline parameter that a task uses.


@dataclass
class StepPods:
    """The steps of the compiled pipeline at `path` in the run `run_id`, whose artifacts lie in `store`.

    `given` are pipeline parameters; `states` what the steps that have ended gave.
    """

    path: Path
    store: LiveStore
    run_id: str
    given: Mapping[str, Any]
    states: dict[str, StepState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pipeline = load_pipeline(self.path)
        self.steps = {step.name: step for step in pipeline.steps}
        self.values = {name: found.default for name, found in pipeline.parameters.items()} | dict(self.given)
        documents = list(yaml.safe_load_all(self.path.read_text()))
        self._executors = documents[0]["deploymentSpec"]["executors"]
        self._platform = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]

    @property
    def launcher(self) -> Document:
        """The ConfigMap that pods take their launcher from."""
        data = {LAUNCHER.name: LAUNCHER.read_text()}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "launcher"}, "data": data}

    def name(self, step: str) -> str:
        """Return the name of the pod of `step`."""
        return f"{self.run_id[:8]}-{step}"

    def pod(self, step: str, **spec: Any) -> Document:
        """Return the pod of `step`, with the fields of `spec` in place of its own."""
        platform = self._platform[f"exec-{step}"]
        labels = {"pipeline/runid": self.run_id, **platform["podMetadata"]["labels"]}
        node = {"workflows.argoproj.io/node-name": f"w(0).root(0).{step}(0).executor(0)"}
        volumes = [{"name": _volume(path), "emptyDir": {}} for path in WRITABLE]
        own = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": ANY_USER,
            "containers": [self._container(step, platform)],
            "volumes": [*volumes, {"name": _volume(LAUNCHER_FOLDER), "configMap": {"name": "launcher"}}],
            **self._placement(platform),
        }
        metadata = {"name": self.name(step), "labels": labels, "annotations": node}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": own | spec}

    def run(self, step: str, cluster: LiveCluster) -> Document:
        """Run `step` to its end, which must be a good one, and note what it gives; return its pod."""
        cluster.create(self.pod(step))
        ended = cluster.ended(self.name(step))
        assert ended["status"]["phase"] == "Succeeded", cluster.log(self.name(step))
        self._note(step)
        return ended

    def _note(self, step: str) -> None:
        places = self._places(self.steps[step])["outputs"]
        output = read_json(self.store.read(f"{self.run_id}/{step}/executor_output.json"))
        state = self.states[step] = StepState(step, "succeeded")
        state.artifacts.update({name: listed["artifacts"][0] for name, listed in places["artifacts"].items()})
        for name in self.steps[step].output_parameters:
            said = output.get("parameterValues", {}).get(name)
            state.parameters[name] = said or self.store.read(f"{self.run_id}/{step}/parameters/{name}").decode()

    def _places(self, step: Step) -> dict[str, Any]:
        folder = Path(MOUNT, self.store.bucket, self.store.key(f"{self.run_id}/{step.name}"))
        return executor_input(step, folder, self.values, self.states)

    def _container(self, step: str, platform: Mapping[str, Any]) -> Document:
        executor, places = self._executors[f"exec-{step}"]["container"], self._places(self.steps[step])
        command = resolve_command(["{{$}}", *self.steps[step].command], places)
        return {
            "name": "main",
            "image": executor["image"],
            "command": ["python", f"{LAUNCHER_FOLDER}/{LAUNCHER.name}", *command],
            "env": [*executor.get("env", []), *self._environment(platform)],
            "resources": self._resources(executor),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
                **platform["securityContext"],
            },
            "volumeMounts": [{"name": _volume(path), "mountPath": path} for path in (*WRITABLE, LAUNCHER_FOLDER)],
        }

    def _environment(self, platform: Mapping[str, Any]) -> list[Document]:
        fields = [
            {"name": found["name"], "valueFrom": {"fieldRef": {"fieldPath": found["fieldPath"]}}}
            for found in platform.get("fieldPathAsEnv", [])
        ]
        return fields + [
            {"name": key["envVar"], "valueFrom": {"secretKeyRef": {**self._secret(found), "key": key["secretKey"]}}}
            for found in platform.get("secretAsEnv", [])
            for key in found["keyToEnv"]
        ]

    def _secret(self, found: Mapping[str, Any]) -> Document:
        name = found["secretNameParameter"]
        constant = name.get("runtimeValue", {}).get("constant")
        return {"name": constant or self._value(name), "optional": found.get("optional", False)}

    def _resources(self, executor: Mapping[str, Any]) -> Document:
        said = executor["resources"]
        found: Document = {
            kind: {thing.lower(): self._text(said[f"resource{thing}{word}"]) for thing in ("Cpu", "Memory")}
            for kind, word in (("requests", "Request"), ("limits", "Limit"))
        }
        if device := said.get("accelerator"):
            kind, count = self._text(device["resourceType"]), self._text(device["resourceCount"])
            for part in found.values():
                part[kind] = count
        return found

    def _placement(self, platform: Mapping[str, Any]) -> Document:
        tolerations = [self._value(found["tolerationJson"]) for found in platform.get("tolerations", [])]
        selector = platform.get("nodeSelector", {}).get("nodeSelectorJson")
        return {
            "tolerations": [toleration for listed in tolerations for toleration in listed],
            "nodeSelector": self._value(selector) if selector else {},
        }

    def _value(self, source: Mapping[str, Any]) -> Any:
        return self.values[source["componentInputParameter"]]

    def _text(self, text: str) -> str:
        """Return `text` with the pipeline's parameter in place of a placeholder."""
        found = PLACEHOLDER.fullmatch(text)
        return str(self.values[found["name"].removeprefix(CHANNEL)]) if found else text


def _volume(path: str) -> str:
    return path.strip("/.").replace(".", "-")
