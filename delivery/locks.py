"""The locks of requirements/, and what each of them is for."""

import re
from dataclasses import dataclass
from pathlib import Path

from components.step.errors import DataError, one_line

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "requirements"
# What a user gets, by the name of its lock. The others are for this project's own tests.
DELIVERED = ("step", "train", "ray", "serve", "wheel")
_PIN = re.compile(
    r"""([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[A-Za-z0-9,._-]+\])?  # The name, and its extras.
    ==([^\s;\\]+)(?:[ ];[ ][^\\]+)?                          # The version, and where it is wanted.
    (?:[ ]\\\n[ ]+--hash=sha256:[0-9a-f]{64})+""",
    re.VERBOSE,
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One package of a lock: its name in normal form, its version, and the sha256 of each file that it may be."""

    name: str
    version: str
    hashes: tuple[str, ...]


def normal_name(name: str) -> str:
    """Return `name` as PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(path: Path) -> list[Pin]:
    """Return the packages of the lock at `path`.

    Raises:
        DataError: a line is no pin with hashes.
    """
    pins = []
    for requirement in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip()):
        found = _PIN.fullmatch(requirement)
        if not found:
            raise DataError(
                "A lock must pin each package with its hashes. "
                f"Received: {one_line(path)}: {one_line(requirement, 80)}. Write it by `make lock`."
            )
        pins.append(Pin(normal_name(found[1]), found[2], tuple(_HASH.findall(requirement))))
    return sorted(pins)
