"""Limit ranges of the namespace: the least and the most that a container, a pod or a volume may ask for."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.step.errors import one_line
from pipeline.doctor.finding import Finding, well, wrong
from pipeline.doctor.needs import StepNeeds
from pipeline.doctor.quantities import amount
from pipeline.doctor.setup import Setup

SUBJECT = "limit range"
PARAMETERS = {"cpu": ("cpu_request", "cpu"), "memory": ("memory_request", "memory")}


def check(setup: Setup) -> Iterable[Finding]:
    """Yield for each limit range that refuses a step which step and why."""
    ranges = setup.listed("/api/v1/namespaces/{namespace}/limitranges", "limit ranges")
    rules = [
        (one_line((each.get("metadata") or {}).get("name"), 63), rule)
        for each in ranges
        for rule in (each.get("spec") or {}).get("limits") or []
    ]
    found = [finding for name, rule in rules for step in setup.steps for finding in _broken(name, rule, step)]
    yield from {(finding.subject, finding.advice): finding for finding in reversed(found)}.values()
    if not found:
        yield well(SUBJECT, f"each step keeps to it ({len(ranges)} in the namespace)")


def _broken(name: str, rule: Mapping[str, Any], step: StepNeeds) -> Iterator[Finding]:
    kind = rule.get("type")
    if kind == "PersistentVolumeClaim":
        sizes = {"storage": step.scratch[0]} if step.scratch else {}
        yield from _outside(name, rule, step, sizes, sizes)
    elif kind in ("Container", "Pod"):
        yield from _outside(name, rule, step, {**step.limits, **step.requests}, step.limits)
        yield from _ratio(name, rule, step)


def _outside(
    name: str, rule: Mapping[str, Any], step: StepNeeds, requests: Mapping[str, str], limits: Mapping[str, str]
) -> Iterator[Finding]:
    kind = f"a {rule.get('type')}"
    for resource, least in (rule.get("min") or {}).items():
        if resource in requests and amount(requests[resource]) < amount(least):
            sentence = f"{name}: {kind} requests at least {resource} {least}; step {step.name} has {requests[resource]}"
            yield wrong(SUBJECT, sentence, _advice("Raise", resource, 0))
    for resource, most in (rule.get("max") or {}).items():
        if resource in limits and amount(limits[resource]) > amount(most):
            sentence = f"{name}: {kind} has at most {resource} {most}; step {step.name} has {limits[resource]}"
            yield wrong(SUBJECT, sentence, _advice("Lower", resource, 1))


def _ratio(name: str, rule: Mapping[str, Any], step: StepNeeds) -> Iterator[Finding]:
    for resource, most in (rule.get("maxLimitRequestRatio") or {}).items():
        limit, request = step.limits.get(resource), step.requests.get(resource)
        if limit and request and amount(limit) > amount(most) * amount(request):
            sentence = f"{name}: a limit of {resource} is at most {most} times its request; "
            sentence += f"step {step.name} has {limit} and {request}"
            yield wrong(SUBJECT, sentence, _advice("Lower", resource, 1))


def _advice(verb: str, resource: str, of: int) -> str:
    parameter = PARAMETERS.get(resource, ("compile --scratch",) * 2)[of]
    return f"{verb} {parameter}, or have the limit range changed"
