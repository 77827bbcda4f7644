"""Quotas of the namespace: whether each has room for the largest step, now and at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from components.step.errors import one_line
from pipeline.doctor.finding import Finding, well, wrong
from pipeline.doctor.needs import StepNeeds
from pipeline.doctor.quantities import amount, written
from pipeline.doctor.setup import Setup

SUBJECT = "quota"
# Scopes of quotas under which the pods of steps fall: they reserve something; with a deadline they are terminating.
ALWAYS, WITH_DEADLINE, WITHOUT_DEADLINE = "NotBestEffort", "Terminating", "NotTerminating"


def check(setup: Setup) -> Iterable[Finding]:
    """Yield for each quota whether steps fit into it; they run one after the other."""
    quotas = setup.listed("/api/v1/namespaces/{namespace}/resourcequotas", "quotas")
    found = [finding for quota in quotas for finding in _of_quota(quota, setup.steps)]
    yield from found
    if not found:
        yield well(SUBJECT, f"each step fits into it ({len(quotas)} in the namespace)")


def _of_quota(quota: Mapping[str, Any], steps: Sequence[StepNeeds]) -> Iterator[Finding]:
    status, spec = quota.get("status") or {}, quota.get("spec") or {}
    concerned = {step.name: _asked_of_quotas(step) for step in steps if _concerns(spec.get("scopes") or [], step)}
    name = one_line((quota.get("metadata") or {}).get("name"), 63)
    for resource, hard in (status.get("hard") or spec.get("hard") or {}).items():
        needs = {step: asked[resource] for step, asked in concerned.items() if resource in asked}
        if needs:
            largest = max(needs, key=lambda step: needs[step])
            used = (status.get("used") or {}).get(resource, "0")
            yield from _room(name, resource, (hard, used), (largest, needs[largest]))


def _room(name: str, resource: str, amounts: tuple[str, str], largest: tuple[str, float]) -> Iterator[Finding]:
    (hard, used), (step, need) = amounts, largest
    subject, needs = f"{SUBJECT} {name}", f"step {step} needs {written(need, resource)}"
    if amount(hard) < need:
        yield wrong(subject, f"it allows {resource} {hard} in all; {needs}", _advice(resource))
    elif amount(hard) - amount(used) < need:
        sentence = f"quota exceeded: it allows {resource} {hard}, of which {used} is in use; {needs}"
        yield wrong(subject, sentence, f"End what uses it, or: {_advice(resource)}")


def _concerns(scopes: Sequence[str], step: StepNeeds) -> bool:
    return all(scope in (ALWAYS, WITH_DEADLINE if step.deadline else WITHOUT_DEADLINE) for scope in scopes)


def _asked_of_quotas(step: StepNeeds) -> dict[str, float]:
    requests = {**step.limits, **step.requests}  # Kubernetes requests what only a limit says.
    found = {f"requests.{name}": amount(quantity) for name, quantity in requests.items()}
    found |= {f"limits.{name}": amount(quantity) for name, quantity in step.limits.items()}
    found |= {name: found[f"requests.{name}"] for name in ("cpu", "memory") if f"requests.{name}" in found}
    if step.scratch:
        found |= {"requests.storage": amount(step.scratch[0]), "persistentvolumeclaims": 1.0}
    return found | {"pods": 1.0, "count/pods": 1.0}


def _advice(resource: str) -> str:
    parameter = {"requests.cpu": "cpu_request", "cpu": "cpu_request", "limits.cpu": "cpu", "limits.memory": "memory"}
    parameter |= {
        "requests.memory": "memory_request",
        "memory": "memory_request",
        "requests.storage": "compile --scratch",
    }
    return f"Lower {parameter.get(resource, 'what the run asks for')}, or have the quota raised"
