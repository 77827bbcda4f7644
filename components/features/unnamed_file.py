"""Rows on disk that are gone with the process: a file without a name, mapped into memory page by page."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from components.step.errors import ServiceError, one_line

Kind = TypeVar("Kind", bound=np.generic)

# More features than these lie on disk: of 100,000 images at 1,280 each.
MOST_IN_MEMORY = 512 << 20


@contextmanager
def unnamed_file(folder: Path, size: int, what: str) -> Iterator[BinaryIO]:
    """Yield a file of `size` bytes in `folder` that has no name, so that a kill leaves nothing; `what` it is for.

    Raises:
        ServiceError: `folder` cannot be written or is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix="pawline-") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, size))
            yield file
    except OSError as error:
        raise ServiceError(
            f"The folder for {what} must have room for {size / 1e6:.0f} MB. "
            f"Received: {one_line(folder)}: {error.strerror or error}. Free space or name another folder."
        ) from error


def feature_rows(count: int, width: int, folder: Path | None) -> NDArray[np.float32]:
    """Return room for features, float32 `[count, width]`: in memory, or where they are many in a file in `folder`.

    Raises:
        ServiceError: `folder` cannot be written or is full.
    """
    size = 4 * count * width
    if folder is None or size <= MOST_IN_MEMORY:
        return np.empty((count, width), np.float32)
    with unnamed_file(folder, size, "features") as file:
        return np.memmap(file, np.float32, "r+", shape=(count, width))


def take_rows(array: NDArray[Kind], rows: NDArray[np.int64]) -> NDArray[Kind]:
    """Return a copy of the `rows` of `array`; of a mapped file no page stays in this process's memory."""
    taken = np.asarray(array[rows])
    let_go(array)
    return taken


def let_go(array: NDArray[Any]) -> None:
    """Give back the memory of what was read and written of `array`, if it is mapped from a file, which keeps it."""
    mapping = getattr(array, "_mmap", None)  # numpy's only way to the mapping of a memmap and of its slices.
    if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)  # The kernel keeps it in its page cache as long as there is room.
