"""Quantities as Kubernetes writes them, of cores, bytes and devices."""

import re

from components.parameters.cluster import UNITS

QUANTITY = re.compile(r"([+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)(n|u|m|k|Ki|Mi|Gi|Ti|Pi|Ei|M|G|T|P|E|)")
SMALL = {"n": 1e-9, "u": 1e-6, "m": 1e-3}


def amount(quantity: object) -> float:
    """Return the number that `quantity` is: cores, bytes or devices.

    Raises:
        ValueError: it is no quantity.
    """
    found = QUANTITY.fullmatch(str(quantity))
    if not found:
        raise ValueError(f"no quantity: {str(quantity)[:40]!r}")
    return float(found[1]) * (SMALL | UNITS)[found[2]]


def written(number: float, like: str) -> str:
    """Return `number` as people read it: bytes where the resource is called `like` memory or storage."""
    if "memory" not in like and "storage" not in like:
        return f"{number:g}"
    unit = next((unit for unit in ("Ti", "Gi", "Mi", "Ki") if abs(number) >= UNITS[unit]), "")
    return f"{number / UNITS[unit]:.4g}{unit}"
