"""The log of a pod while it is there, line by line, over connections that are lost."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from components.step.errors import ServiceError
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.reasons import node_of_pod, step_of_pod

PAUSE = 1.0  # Seconds before a connection is tried again.
OVERLAP = 60  # Seconds that are asked for twice, as two clocks differ; what was seen is left out by its time.
ENDED = ("Succeeded", "Failed")


def pod_of(pods: Sequence[Mapping[str, Any]], step: str) -> Mapping[str, Any] | None:
    """Return the last pod of `pods` that ran or runs the container of `step`; None where there is none."""
    own = [pod for pod in pods if step_of_pod(pod) == step and not _is_driver(pod)]
    return max(own, key=lambda pod: str(pod["metadata"].get("creationTimestamp") or ""), default=None)


def has_begun(pod: Mapping[str, Any]) -> bool:
    """Tell whether the step's container in `pod` has run or runs."""
    statuses = pod["status"].get("containerStatuses") or []
    states = [status.get("state") or {} for status in statuses if status.get("name") == "main"]
    return any("running" in state or "terminated" in state for state in states)


def pod_lines(
    kubernetes: KubernetesApi, run_id: str, name: str, follow: bool, lost: Callable[[str], None]
) -> Iterator[str]:
    """Yield the lines of the pod called `name`; `follow` goes on until it has ended, `lost` hears of lost connections.

    Raises:
        ServiceError: without `follow`, Kubernetes does not answer, or may not for us.
    """
    seen, heard = "", time.monotonic()
    while True:
        # Looked at first: what was said between the last line that came and the end is asked for once more.
        over = not follow or _has_ended(kubernetes, run_id, name)
        since = int(time.monotonic() - heard) + OVERLAP if seen else None
        before = seen
        try:
            for at, text in _stamped(kubernetes.log(name, follow and not over, since), over):
                if at > before:  # Not said over the connection before this one.
                    seen, heard = at, time.monotonic()
                    yield text
        except (ServiceError, OSError) as error:
            if over and not seen:
                raise
            lost(str(error))
        if over:
            return
        time.sleep(PAUSE)


def _has_ended(kubernetes: KubernetesApi, run_id: str, name: str) -> bool:
    try:
        pods = [pod for pod in kubernetes.pods(run_id) if pod["metadata"]["name"] == name]
    except ServiceError:
        return False
    return not pods or pods[0]["status"].get("phase") in ENDED


def _stamped(response: Any, over: bool) -> Iterator[tuple[str, str]]:
    """Yield time and text of each line in `response`; what has no line's end is one only where it is all `over`."""
    from urllib3.exceptions import HTTPError

    rest = b""
    try:
        for chunk in response.stream(4096, decode_content=True):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from map(_parted, lines)
    except HTTPError as error:
        raise OSError(str(error)) from error
    if rest and over:  # Else it comes again, whole, over the next connection.
        yield _parted(rest)


def _parted(line: bytes) -> tuple[str, str]:
    at, _, text = line.decode(errors="replace").partition(" ")
    return at, text


def _is_driver(pod: Mapping[str, Any]) -> bool:
    return "-driver" in node_of_pod(pod).rpartition(".")[2]
