"""Sealed JSON files changed as whoever seals them would, not as an accident does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.step.files import write_json
from components.step.sealed_json import DIGEST, sealed
from components.step.strict_json import read_json


def seal_again(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Replace the object in the file at `path` by what `change` makes of it, and seal that."""
    values = {name: value for name, value in read_json(path.read_bytes()).items() if name != DIGEST}
    write_json(path, sealed(change(values)))
