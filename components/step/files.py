"""Files that are complete or absent: written under a temporary name beside the target, then renamed."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.step.errors import ServiceError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path in `path`'s folder; renamed to `path` on success, removed on error.

    Raises:
        ServiceError: the folder cannot be written or the disk is full.
    """
    with _temporary_directory_beside(path) as folder:
        temporary = folder / path.name
        yield temporary
        _replace(temporary, path)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it becomes `path` on success and is removed on error.

    Raises:
        ServiceError: `path` holds files already, its parent cannot be written or the disk is full.
    """
    with _temporary_directory_beside(path) as folder:
        temporary = folder / path.name
        temporary.mkdir()
        yield temporary
        _replace(temporary, path)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 with unix line ends, atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: object) -> None:
    """Write `value` to `path` as sorted, indented JSON, atomically."""
    write_text(path, json_text(value))


def json_text(value: object) -> str:
    """Return `value` as JSON with sorted keys, an indent of 2 and a final newline; NaN is refused with ValueError."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def _temporary_directory_beside(path: Path) -> Iterator[Path]:
    folder: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".partial-", dir=path.parent))
        yield folder
    except OSError as error:
        raise ServiceError(f"The output must be writable. Received: {path}: {error.strerror or error}.") from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _replace(temporary: Path, path: Path) -> None:
    # Linux lets a folder replace an empty folder, which KFP's launcher and a user's mkdir leave behind.
    os.replace(temporary, path)
