"""Why a step waits or what ended it, out of what Kubernetes and Argo say of its pods, and its own last words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.step.errors import one_line

ERROR = re.compile(r"pawline \w+: error: (.*)")
# A container's state while it comes up as it should.
COMING_UP = frozenset({"PodInitializing", "ContainerCreating"})
ADVICE: Mapping[str, str] = {
    "CreateContainerConfigError": "a secret or ConfigMap that it needs is missing",
    "ErrImagePull": "its image cannot be pulled",
    "ImagePullBackOff": "its image cannot be pulled",
    "InvalidImageName": "its image cannot be pulled",
    "CrashLoopBackOff": "its container ends again and again",
}
OF_EVENTS: Mapping[str, str] = {
    "FailedScheduling": "no node takes it",
    "FailedMount": "a volume cannot be mounted",
    "FailedAttachVolume": "a volume cannot be attached",
    "FailedCreatePodSandBox": "its pod cannot be set up",
    "Evicted": "its pod was evicted",
}


def step_of_pod(pod: Mapping[str, Any]) -> str:
    """Return the step that `pod` belongs to, as container or driver, "" for none."""
    return step_of_node(node_of_pod(pod))


def node_of_pod(pod: Mapping[str, Any]) -> str:
    """Return the name of the Argo node that `pod` runs, "" for none."""
    annotations = (pod.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get("workflows.argoproj.io/node-name") or "")


def step_of_node(name: str) -> str:
    """Return the step of the Argo node called `name`, "" for none."""
    parts = [re.sub(r"\(\d+\)$", "", part) for part in name.split(".")]
    if len(parts) > 2 and parts[-1] == "executor":
        return parts[-2]
    return parts[-1].removesuffix("-driver") if parts[-1].endswith("-driver") else ""


def pod_reason(pod: Mapping[str, Any]) -> str:
    """Return why `pod` waits or what ended it badly, "" where it says nothing."""
    return next(_reasons(pod), "")


def event_reason(events: Sequence[Mapping[str, Any]]) -> str:
    """Return what the last of a pod's `events` that says something says, "" for none."""
    for event in reversed(events):
        if meant := OF_EVENTS.get(str(event.get("reason"))):
            return f"{meant}: {_text(event.get('message'))}"
    return ""


def workflow_reasons(workflow: Mapping[str, Any]) -> dict[str, str]:
    """Return what Argo says of the steps that wait or failed, by step, of pods that were never admitted too."""
    found = {}
    for node in ((workflow.get("status") or {}).get("nodes") or {}).values():
        step, message = step_of_node(str(node.get("name") or "")), node.get("message")
        if step and message and node.get("phase") in ("Pending", "Failed", "Error"):
            forbidden = "is forbidden" in message
            found[step] = ("the cluster does not admit its pod: " if forbidden else "") + _text(message)
    return found


def own_error(log: str) -> str:
    """Return the step's own line of error, the last in its `log`, "" for none."""
    found = ERROR.findall(log)
    return _text(found[-1]) if found else ""


def _reasons(pod: Mapping[str, Any]) -> Iterator[str]:
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        yield from _container_reasons(container)
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield f"no node takes it: {_text(condition.get('message'))}"
    if status.get("reason") == "Evicted" or (status.get("phase") == "Failed" and status.get("message")):
        yield f"{_text(status.get('reason') or 'failed')}: {_text(status.get('message'))}"


def _container_reasons(container: Mapping[str, Any]) -> Iterator[str]:
    state = container.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    if waiting and waiting.get("reason") not in COMING_UP:
        reason = str(waiting.get("reason"))
        yield f"{ADVICE.get(reason, one_line(reason, 80))}: {_text(waiting.get('message'))}"
    if ended.get("reason") == "OOMKilled":
        yield "it was killed for its memory (OOMKilled): raise the parameter memory"
    elif ended.get("exitCode") and container.get("name") == "main":
        yield f"it ended with exit code {int(ended['exitCode'])}"


def _text(value: object) -> str:
    return one_line(value or "no reason given", 400)
