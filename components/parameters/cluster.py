"""What Kubernetes takes: quantities, names, labels, tolerations. A backend says so when a pod starts, not before."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.step.errors import UsageError, one_line

# apimachinery's validation: a DNS subdomain, a qualified name (with or without one before it), a label's value.
SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
CORES = re.compile(r"([0-9]+(\.[0-9]{1,3})?|[0-9]+m)")
BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E|)")
UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18} | {
    f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)
}
LEAST_MEMORY = 2**20
# What each light step reserves (extract, split, promote), whatever it may use: it runs well with that.
LIGHT_CPU, LIGHT_MEMORY = "500m", "500Mi"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
TOLERATION = ("key", "operator", "value", "effect", "tolerationSeconds")


def check_cpu(cpu: str, name: str = "cpu") -> None:
    """Check that `cpu`, the value of the parameter called `name`, is a quantity of cores above 0.

    Raises:
        UsageError: it is not.
    """
    if not CORES.fullmatch(cpu) or not cpu.strip("0.m"):
        raise _refusal(name, "a number of cores, as text, such as 2, 0.5 or 500m", cpu)


def check_memory(memory: str, name: str = "memory") -> None:
    """Check that `memory`, the value of the parameter called `name`, is a quantity that a process could live in.

    Raises:
        UsageError: it is not.
    """
    if not BYTES.fullmatch(memory) or _bytes(memory) < LEAST_MEMORY:
        raise _refusal(name, "a quantity of bytes, as text, such as 8Gi or 500M", memory)


def check_cpu_request(request: str, limit: str) -> None:
    """Check that `request` is a quantity of cores and that `limit`, one already, is not below what any step reserves.

    Raises:
        UsageError: it is not, or it is.
    """
    check_cpu(request, "cpu_request")
    _check_limit("cpu", limit, max(request, LIGHT_CPU, key=_cores), _cores)


def check_memory_request(request: str, limit: str) -> None:
    """Likewise for bytes.

    Raises:
        UsageError: as there.
    """
    check_memory(request, "memory_request")
    _check_limit("memory", limit, max(request, LIGHT_MEMORY, key=_bytes), _bytes)


def _check_limit(name: str, limit: str, least: str, size: Callable[[str], float]) -> None:
    if size(limit) < size(least):
        raise _refusal(name, f"at least {least}, what a step reserves ({name}_request)", limit)


def _cores(quantity: str) -> float:
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def _bytes(quantity: str) -> float:
    match = BYTES.fullmatch(quantity)
    return float(match[1]) * UNITS[match[2]] if match else 0.0


def check_gpu_count(count: str) -> None:
    """Check that `count` is a whole number as text.

    Raises:
        UsageError: it is not.
    """
    if not re.fullmatch("[0-9]{1,3}", count):
        raise _refusal("gpu_count", "a whole number such as 0 or 1", count)


def check_gpu_type(kind: str) -> None:
    """Check that `kind` is the name of an extended resource.

    Raises:
        UsageError: it is not.
    """
    if "/" not in kind or not _is_qualified(kind):
        raise _refusal("gpu_type", "a resource such as nvidia.com/gpu", kind)


def check_secret(name: str) -> None:
    """Check that `name` can be that of a secret.

    Raises:
        UsageError: it cannot.
    """
    if not SUBDOMAIN.fullmatch(name):
        raise _refusal("s3_secret", "a secret's name: lower-case letters, digits, '-' and '.'", name)


def check_node_selector(labels: Mapping[str, Any]) -> None:
    """Check that `labels` are labels of nodes and their values.

    Raises:
        UsageError: they are not.
    """
    for label, value in labels.items():
        if not is_label(label, value):
            raise _refusal("node_selector", 'labels with a text each, such as {"gpu": "a100"}', {label: value})


def check_tolerations(tolerations: Sequence[Any]) -> None:
    """Check that each of `tolerations` is one.

    Raises:
        UsageError: one is not, and why.
    """
    for toleration in tolerations:
        wrong = _wrong_with(toleration) if isinstance(toleration, dict) else "it is no object"
        if wrong:
            rule = 'tolerations such as [{"key": "gpu", "operator": "Exists"}]'
            raise _refusal("tolerations", rule, f"{toleration!r}: {wrong}")


def is_label(key: str, value: object) -> bool:
    """Tell whether Kubernetes takes `key` and `value` as a label."""
    return _is_qualified(key) and isinstance(value, str) and (value == "" or bool(NAME.fullmatch(value)))


def _wrong_with(toleration: Mapping[str, Any]) -> str:
    key, operator = toleration.get("key", ""), toleration.get("operator", "Equal")
    value, effect = toleration.get("value", ""), toleration.get("effect", "")
    seconds = toleration.get("tolerationSeconds")
    rules = {
        f"only {', '.join(TOLERATION)} are known": set(toleration) <= set(TOLERATION),
        "key must be a label's": key == "" or (isinstance(key, str) and _is_qualified(key)),
        "operator must be Exists or Equal": operator in ("Exists", "Equal"),
        "without key, operator must be Exists": key != "" or operator == "Exists",
        "value must be a label's": value == "" or (isinstance(value, str) and NAME.fullmatch(value)),
        "with Exists there is no value": operator != "Exists" or value == "",
        f"effect must be {', '.join(EFFECTS)}": effect in ("", *EFFECTS),
        "tolerationSeconds must be an integer": seconds is None or (type(seconds) in (int, float) and seconds % 1 == 0),
        "tolerationSeconds needs the effect NoExecute": seconds is None or effect == "NoExecute",
    }
    return next((rule for rule, holds in rules.items() if not holds), "")


def _is_qualified(name: str) -> bool:
    prefix, slash, last = name.rpartition("/")
    return bool(NAME.fullmatch(last) and (not slash or SUBDOMAIN.fullmatch(prefix)))


def _refusal(name: str, rule: str, value: object) -> UsageError:
    received = one_line(repr(value) if isinstance(value, str) and "{" not in value else value, 160)
    return UsageError(f"{name} must be {rule}. Received: {name}={received}. Correct it.")
