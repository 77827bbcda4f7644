"""The figures of docs/security.md: `python -m delivery.figures` writes them there from locks, licences and SBOMs."""

import re
import sys

from components.step.errors import DataError
from components.step.files import write_text
from delivery.command import ended
from delivery.licences import read_policy
from delivery.locks import LOCKS, ROOT, read_lock
from delivery.sbom import IMAGES, WHEEL, sbom_of

PAGE = ROOT / "docs" / "security.md"
_TABLE = re.compile(r"(?<=\| --- \| --- \| --- \| --- \|\n)(?:\|.*\n|FIGURES\n)+")


def row(name: str) -> str:
    """Return the row of the image, or wheel, called `name`."""
    policy = read_policy()
    names = [pin.name for pin in read_lock(LOCKS / f"{name}.txt")]
    excepted = sum(bool(policy.exception(each)) for each in names)
    shown = f"the {name} image" if name in IMAGES else "the wheel with all that it may ask for"
    return f"| {shown} | {len(names)} | {excepted} | {len(sbom_of(name).encode()) / 1000:.0f} |\n"


def main() -> None:
    """Write them.

    Raises:
        DataError: the page has no place for them.
    """
    text = PAGE.read_text(encoding="utf-8")
    if len(_TABLE.findall(text)) != 1:
        raise DataError("The page must have one table of figures. Received: docs/security.md without it. Restore it.")
    table = "".join(map(row, (*IMAGES, WHEEL)))
    write_text(PAGE, _TABLE.sub(lambda _: table, text))


if __name__ == "__main__":
    sys.exit(ended(main))
