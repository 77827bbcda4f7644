"""Files that are complete or absent: written under a temporary name beside the target, then renamed."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from components.step.errors import ServiceError
from components.step.owner import is_gone, this_process

PARTIAL = ".partial-"  # How names of what is not complete begin.


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


def write_json_list(path: Path, values: Iterable[object]) -> None:
    """Write `values` to `path` as `write_json` writes a list of them, one in memory at a time."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        end = "[]\n"
        for number, value in enumerate(values):
            inner = json_text(value).rstrip("\n").replace("\n", "\n  ")
            file.write(f"{',' if number else '['}\n  {inner}")
            end = "\n]\n"
        file.write(end)


def json_text(value: object) -> str:
    """Return `value` as JSON with sorted keys, an indent of 2 and a final newline; NaN is refused with ValueError."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def scratch_folder(place: Path | None = None, beginning: str = "pawline-") -> Iterator[Path]:
    """Yield a new folder in `place` (the system's for temporary files), removed afterwards; a kill leaves it behind.

    So what killed processes of this machine have left there under a name with this `beginning` is removed first.

    Raises:
        OSError: it cannot be made.
    """
    place = place or Path(tempfile.gettempdir())
    _remove_of_killed(place, beginning)
    folder = Path(tempfile.mkdtemp(prefix=f"{beginning}{this_process()}.", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_of_killed(place: Path, beginning: str) -> None:
    for path in place.glob(f"{beginning}*"):
        if is_gone(path.name.removeprefix(beginning).rpartition(".")[0]):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _temporary_directory_beside(path: Path) -> Iterator[Path]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(path.parent, PARTIAL) as folder:
            yield folder
    except OSError as error:
        raise ServiceError(f"The output must be writable. Received: {path}: {error.strerror or error}.") from error


def _replace(temporary: Path, path: Path) -> None:
    # Linux lets a folder replace an empty folder, which KFP's launcher and a user's mkdir leave behind.
    os.replace(temporary, path)
