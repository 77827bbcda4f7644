"""Reading files that a user names: regular ones only, no more than expected; a device or pipe would never end."""

import io
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

MAX_BYTES = 512 << 20  # What is read whole into memory.


class NotReadable(OSError):
    """A path that is no regular file, or a file that is too large; `strerror` says which."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(0, why, str(path))


def open_regular(path: Path) -> io.BufferedReader:
    """Open the regular file at `path` for reading, or raise OSError (NotReadable: a pipe, a device, a socket)."""
    # Without O_NONBLOCK a pipe would wait for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "Is a directory", str(path))
        if not stat.S_ISREG(mode):
            raise NotReadable(path, "is no regular file")
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def open_regular_text(path: Path) -> TextIO:
    """Open the regular file at `path` as UTF-8 text, its line ends as they are; raises as `open_regular` does."""
    return io.TextIOWrapper(open_regular(path), encoding="utf-8", newline="")


def read_regular(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Return the bytes of the regular file at `path`, or raise OSError (NotReadable: also more than `limit` bytes)."""
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise NotReadable(path, f"has more than {limit:,} bytes")
    return data


@contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    """Yield the bytes of the file at `path` without reading them into memory at once."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:  # Which cannot be mapped.
            yield memoryview(b"")
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping, memoryview(mapping) as view:
            yield view
