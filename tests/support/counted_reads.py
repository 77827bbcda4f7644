"""How many bytes of which files a step reads of stores on disk."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from components.storage.folder import LocalStore


class _Counting:
    """A file that adds what is read of it to `read`, under `name`."""

    def __init__(self, file: Any, name: str, read: Counter[str]) -> None:
        self._file, self._name, self._read = file, name, read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> "_Counting":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        self._read[self._name] += len(data)
        return data


@contextmanager
def counted_reads() -> Iterator[Counter[str]]:
    """Count meanwhile; yields the bytes by the files' names, which those of parts begin with `part-`."""
    read: Counter[str] = Counter()
    opened = LocalStore.open
    with mock.patch.object(LocalStore, "open", lambda store, name: _Counting(opened(store, name), name, read)):
        yield read


def of_parts(read: Counter[str]) -> int:
    """Return how many of the bytes `read` were of parts."""
    return sum(count for name, count in read.items() if name.rpartition("/")[2].startswith("part-"))
