"""Nodes: whether there is one for each step, by its labels, devices, taints and size, and whether it has room now."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from components.step.errors import one_line
from pipeline.doctor.finding import Finding, NotChecked, note, of_steps, well, wrong
from pipeline.doctor.needs import StepNeeds
from pipeline.doctor.quantities import amount, written
from pipeline.doctor.setup import Setup

SUBJECT = "nodes"
REPELLING = ("NoSchedule", "NoExecute")
USUAL = ("cpu", "memory")
Node = Mapping[str, Any]


def check(setup: Setup) -> Iterable[Finding]:
    """Yield for each step, or several that want the same, whether a node takes it."""
    nodes = setup.listed("/api/v1/nodes", "nodes")
    used = _used(setup)
    yield from of_steps({step.name: _for_step(step, nodes, used) for step in setup.steps})


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    """Tell whether a pod with `toleration` may be on a node with `taint`, as Kubernetes decides."""
    key, operator = toleration.get("key") or "", toleration.get("operator") or "Equal"
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if key and key != taint.get("key"):
        return False
    return operator == "Exists" or (bool(key) and (toleration.get("value") or "") == (taint.get("value") or ""))


def _for_step(step: StepNeeds, nodes: Sequence[Node], used: Mapping[str, Mapping[str, float]] | None) -> Finding:
    """Return why no node takes `step`, the first reason that leaves none, or the nodes that do."""
    left = list(nodes)
    for narrow in (_with_labels, _ready, _with_devices, _tolerated, _large_enough):
        left, finding = narrow(step, left) if left else ([], wrong(SUBJECT, "there are none", "Add one"))
        if not left:
            return finding
    names = [_name(node) for node in left]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    if used is not None and not any(_fits(step, node, used.get(_name(node), {})) for node in left):
        return note(
            SUBJECT,
            f"{shown} would take it, and has no room now: it waits",
            "End other pods there, or lower cpu_request and memory_request",
        )
    return well(SUBJECT, f"{shown} takes it")


def _with_labels(step: StepNeeds, nodes: Sequence[Node]) -> tuple[list[Node], Finding]:
    wanted = step.node_selector
    left = [node for node in nodes if all(_labels(node).get(key) == value for key, value in wanted.items())]
    there = sorted({f"{key}={_labels(node)[key]}" for node in nodes for key in wanted if key in _labels(node)})
    sentence = f"no node has the labels of node_selector {json.dumps(dict(wanted))}; "
    sentence += f"nodes have {', '.join(there) or 'none of these'}"
    return left, wrong(SUBJECT, one_line(sentence, 400), "Correct node_selector, or label a node")


def _ready(step: StepNeeds, nodes: Sequence[Node]) -> tuple[list[Node], Finding]:
    names = ", ".join(_name(node) for node in nodes[:3])
    sentence = f"none of {len(nodes)} that {'have its labels' if step.node_selector else 'are there'} is ready: {names}"
    return [node for node in nodes if _is_ready(node)], wrong(SUBJECT, sentence, "Look at them (`kubectl get nodes`)")


def _with_devices(step: StepNeeds, nodes: Sequence[Node]) -> tuple[list[Node], Finding]:
    devices = {kind: count for kind, count in step.limits.items() if kind not in USUAL}
    left = [node for node in nodes if all(_has(node, kind) >= amount(count) for kind, count in devices.items())]
    wanted = ", ".join(f"{count} {kind}" for kind, count in devices.items())
    most = ", ".join(f"{max(_has(node, kind) for node in nodes):g} {kind}" for kind in devices)
    where = "of those with its labels " if step.node_selector else ""
    sentence = f"no GPU node: none {where}offers {wanted}; the most is {most}"
    return left, wrong(
        SUBJECT, sentence, "Correct gpu_type and gpu_count, or install the GPU's device plugin on a node"
    )


def _tolerated(step: StepNeeds, nodes: Sequence[Node]) -> tuple[list[Node], Finding]:
    repelling = {_name(node): _repelling(step, node) for node in nodes}
    left = [node for node in nodes if not repelling[_name(node)]]
    name, taints = next(iter(repelling.items()))
    shown = ", ".join(_written(taint) for taint in taints)
    sentence = (
        f"tainted: {_name(nodes[0])} would do, and its taint {shown} is not tolerated"
        if len(nodes) == 1
        else (
            f"tainted: each of the {len(nodes)} nodes that would do has a taint that is not tolerated, {name} {shown}"
        )
    )
    tolerations = json.dumps([{"key": taint.get("key"), "operator": "Exists"} for taint in taints])
    return left, wrong(SUBJECT, one_line(sentence, 400), f"Set tolerations={tolerations}, or take the taint away")


def _large_enough(step: StepNeeds, nodes: Sequence[Node]) -> tuple[list[Node], Finding]:
    left = [node for node in nodes if _fits(step, node, {})]
    wanted = ", ".join(f"{kind} {quantity}" for kind, quantity in step.requests.items() if kind in USUAL)
    most = ", ".join(f"{kind} {written(max(_has(node, kind) for node in nodes), kind)}" for kind in USUAL)
    return left, wrong(
        SUBJECT, f"none is large enough for {wanted}; the most is {most}", "Lower cpu_request and memory_request"
    )


def _used(setup: Setup) -> dict[str, dict[str, float]] | None:
    """Return what the pods of each node reserve; None where pods of all namespaces may not be listed."""
    try:
        pods = setup.listed("/api/v1/pods", "pods of all namespaces")
    except NotChecked:
        return None
    used: dict[str, dict[str, float]] = {}
    for pod in pods:
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            of_node = used.setdefault(str(pod["spec"].get("nodeName")), {})
            for kind, number in _reserved(pod):
                of_node[kind] = of_node.get(kind, 0.0) + number
    return used


def _reserved(pod: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for container in pod["spec"].get("containers") or []:
        for kind, quantity in ((container.get("resources") or {}).get("requests") or {}).items():
            yield kind, amount(quantity)


def _fits(step: StepNeeds, node: Node, used: Mapping[str, float]) -> bool:
    wanted = {**step.limits, **step.requests}
    return all(_has(node, kind) - used.get(kind, 0.0) >= amount(quantity) for kind, quantity in wanted.items())


def _has(node: Node, kind: str) -> float:
    return amount(((node.get("status") or {}).get("allocatable") or {}).get(kind, 0))


def _is_ready(node: Node) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def _repelling(step: StepNeeds, node: Node) -> list[Mapping[str, Any]]:
    taints = [taint for taint in (node.get("spec") or {}).get("taints") or [] if taint.get("effect") in REPELLING]
    return [taint for taint in taints if not any(tolerates(each, taint) for each in step.tolerations)]


def _written(taint: Mapping[str, Any]) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key')}{value}:{taint.get('effect')}"


def _labels(node: Node) -> Mapping[str, str]:
    return (node.get("metadata") or {}).get("labels") or {}


def _name(node: Node) -> str:
    return str((node.get("metadata") or {}).get("name"))
