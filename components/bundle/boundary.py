"""Where a bundle's files begin to be believed: each of a bounded size, and whatever goes wrong with one is one line.

A bundle may come from anywhere; Keras, numpy and their kin have no closed list of what hostile bytes make them raise.
"""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.step.errors import DataError, PawlineError, one_line

MIB = 1 << 20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python inflates the others by as much as they like at a time.
# Source: APPNOTE.TXT, 4.3.15 and 4.3.16: the 64-bit locator and, at the very end, the end record.
_LOCATOR_BYTES, _END_BYTES = 20, 22
MOST_DIRECTORY_BYTES = 1 * MIB  # Of some ten thousand members; Python takes 15 times as much to know them.


def damaged(path: Path, what: object) -> DataError:
    """Return the error that says `what` is wrong with the bundle's file at `path`."""
    received = f"{one_line(path)}: {one_line(what)}"
    return DataError(f"A bundle must be complete and unchanged. Received: {received}. Train again.")


@contextmanager
def sound(path: Path, reader: str = "") -> Iterator[None]:
    """Turn whatever goes wrong while the file at `path` is read into a DataError; `reader` is who refuses it, if named.

    Raises:
        DataError: something went wrong.
    """
    try:
        yield
    except PawlineError:
        raise
    except OSError as error:
        raise damaged(path, error.strerror or error) from error
    except Exception as error:  # Also MemoryError and RecursionError.
        said = str(error) or type(error).__name__
        raise damaged(path, f"{reader} refuses it: {said}" if reader else said) from error


def check_file(path: Path, most_bytes: int) -> None:
    """Check that there is a regular file of at most `most_bytes` at `path`: no device, no pipe, nothing endless.

    Raises:
        OSError: there is none.
        DataError: it is something else, or larger.
    """
    size = path.stat().st_size
    if not path.is_file():
        raise damaged(path, "no regular file")
    if size > most_bytes:
        raise damaged(path, f"{size} bytes, at most {most_bytes} are read")


def check_archive(path: Path, most_inflated: int) -> None:
    """Check that the zip archive at `path` has few members, which inflate to at most `most_inflated` bytes together.

    Only its directory is read, and that only after its size.

    Raises:
        DataError: it has more, or is no archive that numpy or Keras write.
    """
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, _LOCATOR_BYTES + _END_BYTES), os.SEEK_END)
        locator, end = (tail := file.read())[:-_END_BYTES], tail[-_END_BYTES:]
    if not end.startswith(b"PK\5\6") or locator.startswith(b"PK\6\7"):
        raise damaged(path, "no plain zip archive")
    if int.from_bytes(end[12:16], "little") > MOST_DIRECTORY_BYTES:
        raise damaged(path, "an archive of too many members")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if not all(member.compress_type in METHODS for member in members):
        raise damaged(path, "an archive packed in another way than zip's own")
    if (inflated := sum(member.file_size for member in members)) > most_inflated:
        raise damaged(path, f"an archive that inflates to {inflated} bytes, at most {most_inflated} are read")
