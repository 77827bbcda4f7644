"""CSV that people open: a spreadsheet takes a text that begins with `=` for a formula, and may run what it says.

Such a text gets an apostrophe before it, which spreadsheets know as "this is text"; `as_written` takes it away again.
Tables that programs hand on (`components.dataset.samples`) hold names as they are.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from components.step.files import atomic_write

# Source: OWASP, "CSV Injection"; the last four are the first four as East Asian keyboards write them.
# Spaces before them are passed over by some.
FORMULA = "(?:\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])"
# Where decimals have a comma, spreadsheets begin a cell behind a semicolon.
_START = "(^|;)"
_RISKY = re.compile(f"{_START}(?='*{FORMULA})")
_MARKED = re.compile(f"{_START}'(?='*{FORMULA})")


def write_for_people(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write `rows` as CSV (RFC 4180, but unix line ends) whose texts no spreadsheet takes for formulas.

    Raises:
        ServiceError: `path` cannot be written.
    """
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)


def inert(text: str) -> str:
    """Return `text` such that no spreadsheet takes it for a formula; what is none already stays."""
    return _RISKY.sub(r"\1'", text)


def as_written(cell: str) -> str:
    """Return the text that `inert` made `cell` of."""
    return _MARKED.sub(r"\1", cell)
