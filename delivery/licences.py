"""Licences: what each package of a lock is under, and whether that is allowed. `python -m delivery.licences`."""

import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

from license_expression import ExpressionError, get_spdx_licensing

from components.step.counts import counted
from components.step.errors import DataError, one_line
from delivery.command import ended
from delivery.locks import DELIVERED, LOCKS, normal_name, read_lock

POLICY = Path(__file__).with_name("licences.toml")
UNKNOWN = ""


@dataclass(frozen=True)
class Policy:
    """What is allowed (SPDX identifiers), what old words mean, what was read by hand, and exceptions with reasons."""

    allowed: frozenset[str]
    spoken: Mapping[str, str]
    read: Mapping[str, str]
    exceptions: Mapping[str, str]

    def exception(self, name: str) -> str:
        """Return why the package `name` is handed on whatever its licence is, "" if it is none of these."""
        return next((reason for pattern, reason in self.exceptions.items() if fnmatch(name, pattern)), "")

    def allows(self, expression: str) -> bool:
        """Return whether `expression`, SPDX, leaves a choice of allowed licences alone."""
        try:
            parsed = _spdx().parse(expression, validate=True)
        except ExpressionError:
            return False
        return parsed is not None and self._allows(parsed)

    def _allows(self, parsed: Any) -> bool:
        if type(parsed).__name__ == "OR":
            return any(map(self._allows, parsed.args))
        if type(parsed).__name__ == "AND":
            return all(map(self._allows, parsed.args))
        return str(parsed) in self.allowed


@cache
def _spdx() -> Any:
    return get_spdx_licensing()  # It takes a second to know them all.


def read_policy(path: Path = POLICY) -> Policy:
    """Return the policy at `path`, TOML.

    Raises:
        DataError: an exception has no reason.
    """
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, reason in values["exceptions"].items():
        if len(str(reason).split()) < 3:
            raise DataError(f"An exception must say its reason. Received: {one_line(name)} in {path.name}. Write it.")
    return Policy(frozenset(values["allowed"]), values["spoken"], values["read"], values["exceptions"])


def licence_of(name: str, policy: Policy) -> str:
    """Return the licence of the package `name` as an SPDX expression, or as it says it, UNKNOWN if it says nothing.

    What was read by hand goes before the metadata of what is installed here.
    """
    if name in policy.read:
        return policy.read[name]
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return UNKNOWN
    if expression := _said(found, "License-Expression"):
        return str(expression)
    classifiers = [str(line) for line in found.get_all("Classifier") or [] if "License ::" in str(line)]
    last = [line.rpartition(" :: ")[2] for line in classifiers]
    said = [text for text in last if text not in ("OSI Approved", "DFSG approved")]
    said = said or [line.strip() for line in _said(found, "License").splitlines()[:1] if line.strip()]
    return " AND ".join(policy.spoken.get(text, text) for text in said)


def _said(found: PackageMetadata, name: str) -> str:
    return str((found.get_all(name) or [""])[0])


def problems_of(names: Iterable[str], policy: Policy) -> list[str]:
    """Return a line for each package of `names` that may not be handed on."""
    found = {name: licence_of(name, policy) for name in sorted(set(names)) if not policy.exception(name)}
    return [
        f"A package's licence must be one of delivery/licences.toml. Received: {name}: "
        f"{one_line(licence, 120) if licence else 'none that is known here'}. "
        "Do without it, or write down why it may stay."
        for name, licence in found.items()
        if not policy.allows(licence)
    ]


def check() -> None:
    """Check every package of what is delivered; print how many there are of each licence.

    Raises:
        DataError: one is not allowed.
    """
    policy = read_policy()
    names = {pin.name for lock in DELIVERED for pin in read_lock(LOCKS / f"{lock}.txt")}
    problems = problems_of(names, policy)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        raise DataError(f"Every licence must be allowed. Received: {counted(len(problems), 'package')} of another.")
    excepted = sorted(name for name in names if policy.exception(name))
    print(f"{counted(len(names), 'package')}: {len(names) - len(excepted)} allowed, {len(excepted)} with a reason")


def unused(policy: Policy) -> list[str]:
    """Return what `policy` says of packages that no lock has any more, and of licences that none is under."""
    names = {normal_name(pin.name) for path in LOCKS.glob("*.txt") for pin in read_lock(path)}
    stale = [name for name in policy.read if name not in names]
    return stale + [pattern for pattern in policy.exceptions if not any(fnmatch(name, pattern) for name in names)]


if __name__ == "__main__":
    sys.exit(ended(check))
