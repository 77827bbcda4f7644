"""The steps of a run, out of the tasks that KFP lists: the nodes of Argo's workflow, drivers and retries among them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

STATES = {
    "PENDING": "waiting",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "SKIPPED": "succeeded",
    "CACHED": "succeeded",
    "FAILED": "failed",
    "CANCELING": "stopping",
    "CANCELED": "stopped",
    "PAUSED": "paused",
}
TASK = {
    "display_name": str,
    "state": str,
    "start_time": str,
    "end_time": str,
    "state_history": [{"state": str}],
    "child_tasks": [{"pod_name": str}],
}
DRIVER = "-driver"
# How often a node may have been tried, by the retries of pod, step and pipeline that Argo nests.
TRIES = ("(2)", "(1)", "(0)", "")


@dataclass(frozen=True, slots=True)
class ClusterStep:
    """How far a step is; `node` is the id of what runs its container, by which KFP keeps the log, "" if unknown."""

    name: str
    state: str = "waiting"
    seconds: float | None = None
    cached: bool = False
    driver_failed: bool = False
    node: str = ""


def steps_of(run: Mapping[str, Any], names: Sequence[str]) -> list[ClusterStep]:
    """Return the steps called `names`, and any other that `run`, as the KFP API gives it, has."""
    tasks = (run.get("run_details") or {}).get("task_details") or []
    others = [_name(task).removesuffix(DRIVER) for task in tasks if _name(task).endswith(DRIVER)]
    known = {child.get("pod_name", "") for task in tasks for child in task.get("child_tasks") or []}
    workflow = next((node.rpartition("-")[0] for node in sorted(known) if node), "")
    found = [name for name in dict.fromkeys([*names, *others]) if name != "root"]
    return [_step(name, tasks, _node(workflow, name, known)) for name in found]


def seconds_of(item: Mapping[str, Any], began: str = "start_time", ended: str = "end_time") -> float | None:
    """Return how long `item` took, None while it goes on; KFP writes the year 1 or 1970 for a time to come."""
    try:
        took = (datetime.fromisoformat(item[ended]) - datetime.fromisoformat(item[began])).total_seconds()
    except (KeyError, ValueError, TypeError):  # TypeError: one of them names a time zone.
        return None
    return took if took >= 0 else None


def _step(name: str, tasks: Sequence[Mapping[str, Any]], node: str) -> ClusterStep:
    own = [task for task in tasks if _name(task) == name and task.get("state")]
    inner = [task for task in tasks if _name(task) == f"{name}(0)"]
    driver = [task for task in tasks if _name(task) == name + DRIVER]
    if not own:
        failed = any(task.get("state") == "FAILED" for task in driver)
        state = (
            "failed" if failed else "running" if any(task.get("state") == "RUNNING" for task in driver) else "waiting"
        )
        return ClusterStep(name, state, driver_failed=failed, node=node)
    last = max(own, key=lambda task: str(task.get("start_time", "")))
    seconds = seconds_of(last)
    state = STATES.get(last["state"], str(last["state"]).lower())
    # Nothing was run for it: the driver found what it gives.
    cached = state == "succeeded" and seconds == 0 and not any("RUNNING" in _history(task) for task in inner)
    return ClusterStep(name, state, seconds, cached, node=node)


def _name(task: Mapping[str, Any]) -> str:
    return str(task.get("display_name") or "")


def _history(task: Mapping[str, Any]) -> list[str]:
    return [str(entry.get("state")) for entry in task.get("state_history") or []]


def _node(workflow: str, step: str, known: set[str]) -> str:
    """Return the id of the node that runs `step`, the last try's: Argo makes it from the node's name."""
    return next((node for node in _possible_nodes(workflow, step) if node in known), "")


def _possible_nodes(workflow: str, step: str) -> Iterator[str]:
    for tries in product(TRIES, repeat=4):
        path = ".".join(
            f"{part}{number}" for part, number in zip((workflow, "root", step, "executor"), tries, strict=True)
        )
        yield f"{workflow}-{_fnv32a(path)}"


def _fnv32a(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value
