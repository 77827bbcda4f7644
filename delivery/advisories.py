"""Advisories: is a version of what is delivered known to be vulnerable? `python -m delivery.advisories [--online]`.

pip-audit asks an advisory service; where none answers, delivery/advisories.toml has what was known when it was written.
A package that the service does not know was not audited, whatever pip-audit's exit code says.
"""

import argparse
import datetime
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

from components.step.counts import counted
from components.step.errors import DataError, ServiceError, first_ten, one_line
from components.step.own_processes import own_environment
from components.step.strict_json import read_json
from delivery.command import ended
from delivery.locks import DELIVERED, LOCKS, Pin, normal_name, read_lock

KNOWN = Path(__file__).with_name("advisories.toml")
_AUDIT = (sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json")


@dataclass(frozen=True, slots=True, order=True)
class Advisory:
    """That `version` of `package` is vulnerable: the advisory's `id`, and others it goes by."""

    package: str
    version: str
    id: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiver:
    """That an advisory is taken for a while: about `package`, up to and including the day `until`, for a reason."""

    package: str
    until: datetime.date
    reason: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What a service said: what it `found`, and the packages that it knows nothing about."""

    found: list[Advisory] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def waivers_in(text: str) -> dict[str, Waiver]:
    """Return the waivers of `text`, TOML, by the advisory's id.

    Raises:
        DataError: one has no package, no day or no reason.
    """
    waivers = {}
    for name, values in tomllib.loads(text)["waivers"].items():
        whole = isinstance(values, dict) and set(values) == {"package", "until", "reason"}
        if not whole or type(values["until"]) is not datetime.date or len(str(values["reason"]).split()) < 3:
            raise DataError(
                "A waiver must have a package, the day until which it holds, and a reason. "
                f"Received: {one_line(name, 80)}. Complete it."
            )
        waivers[name] = Waiver(normal_name(values["package"]), values["until"], values["reason"])
    return waivers


def known_in(text: str, pins: Iterable[Pin]) -> list[Advisory]:
    """Return which of the vulnerable versions that `text`, TOML, names are among `pins`."""
    known = [(name, Requirement(wanted)) for name, wanted in tomllib.loads(text)["known"].items()]
    return sorted(
        Advisory(pin.name, pin.version, name)
        for pin in pins
        for name, wanted in known
        if normal_name(wanted.name) == pin.name and wanted.specifier.contains(pin.version, prereleases=True)
    )


def asked(pins: Sequence[Pin]) -> Audit:
    """Return what the advisory service says of `pins`.

    Raises:
        ServiceError: none answers.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "requirements.txt")
        path.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in pins))
        done = subprocess.run(
            [*_AUDIT, "-r", str(path)], capture_output=True, text=True, check=False, env=own_environment()
        )
    try:
        return audit_in(done.stdout)
    except (ValueError, KeyError, TypeError) as error:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ServiceError(
            f"An advisory service must answer. Received: {one_line(said, 200)}. Try again, or do without --online."
        ) from error


def audit_in(text: str) -> Audit:
    """Return what pip-audit's JSON `text` says."""
    packages = read_json(text)["dependencies"]
    found = [
        Advisory(normal_name(each["name"]), each["version"], one["id"], tuple(one["aliases"]))
        for each in packages
        for one in each.get("vulns", [])
    ]
    return Audit(sorted(found), sorted(normal_name(each["name"]) for each in packages if "skip_reason" in each))


def problems_of(found: Iterable[Advisory], waivers: dict[str, Waiver], today: datetime.date) -> list[str]:
    """Return a line for each advisory of `found` that is not waived `today`."""
    problems = []
    for one in found:
        waiver = next((waivers[name] for name in (one.id, *one.aliases) if name in waivers), None)
        if waiver and waiver.package == one.package and today <= waiver.until:
            continue
        late = f", whose waiver ended on {waiver.until}" if waiver and waiver.package == one.package else ""
        problems.append(
            f"A package must not be known to be vulnerable. Received: {one.package} {one.version}: {one.id}{late}. "
            "Take another version by `make lock`, or waive it in delivery/advisories.toml."
        )
    return problems


def check(online: bool, today: datetime.date) -> None:
    """Audit what is delivered, and print by what means; without `online`, the offline list will do.

    Raises:
        DataError: a version is vulnerable, or, `online`, was not audited.
        ServiceError: `online`, and no service answers.
    """
    text = KNOWN.read_text(encoding="utf-8")
    pins = sorted({pin for lock in DELIVERED for pin in read_lock(LOCKS / f"{lock}.txt")})
    audit = _audited(pins, online)
    problems = problems_of([*known_in(text, pins), *audit.found], waivers_in(text), today)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        many = counted(len(problems), "advisory", "advisories")
        raise DataError(f"Nothing vulnerable may be delivered. Received: {many}.")
    by_service = len(pins) - len(audit.unknown)
    print(f"{counted(len(pins), 'package')}, none known to be vulnerable; {by_service} by a service, all by our list")


def _audited(pins: Sequence[Pin], online: bool) -> Audit:
    try:
        audit = asked(pins)
    except ServiceError:
        if online:
            raise
        return Audit(unknown=[pin.name for pin in pins])
    if online and audit.unknown:
        raise DataError(
            f"Every package must be audited. Received: not known to the service: {first_ten(audit.unknown)}. "
            "Name another service to pip-audit, or do without --online."
        )
    return audit


def main() -> None:
    """Parse the command line and check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--online", action="store_true", help="fail where a package cannot be audited by a service")
    check(parser.parse_args().online, datetime.datetime.now(datetime.UTC).date())


if __name__ == "__main__":
    sys.exit(ended(main))
