"""Bytes with one bit flipped."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from components.step.errors import DataError

Found = TypeVar("Found")


def flipped(data: bytes, step: int = 1) -> Iterator[bytes]:
    """Yield `data` with one bit flipped, for every `step`-th of its bits."""
    for bit in range(0, 8 * len(data), step):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)


def read_where_not_refused(path: Path, read: Callable[[Path], Found], step: int) -> Iterator[Found]:
    """Flip bits of the file at `path`, one at a time; yield what `read` gives where it does not refuse it.

    It must refuse most of them, or the test would show nothing.
    """
    whole, passed = path.read_bytes(), 0
    for damaged in flipped(whole, step):
        path.write_bytes(damaged)
        try:
            found = read(path)
        except DataError:
            continue
        passed += 1
        yield found
    assert passed < 4 * len(whole) // step
