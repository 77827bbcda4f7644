"""Images read by their places alone: neighbours in one range, ranges ahead in threads, each image by its sha256."""

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from components.dataset.part import Part, Place
from components.dataset.samples import Sample
from components.dataset.unchanged import open_sized
from components.step.errors import DataError, ServiceError, one_line
from components.step.parallel import in_order
from components.storage.store import Store

READERS = 8
RANGE_BYTES = 4 << 20
BYTES_AHEAD = 24 << 20
GAP_BYTES = 4 << 10  # What is cheaper read than asked for apart: what Parquet puts between images.
ATTEMPTS = 3  # A bit that flipped on the way is right the next time, one that flipped in the store never.


@dataclass(frozen=True, slots=True)
class Placed:
    """A sample and where its image lies."""

    sample: Sample
    place: Place


def read_images(store: Store, parts: Mapping[str, Part], placed: Iterable[Placed]) -> Iterator[tuple[Sample, bytes]]:
    """Yield the samples of `placed` with their images' bytes; memory holds BYTES_AHEAD and what READERS work on.

    Args:
        store: holds the parts.
        parts: those that images may lie in, by name.
        placed: in the order of the parts and of the offsets in each, or more is read than needed.

    Raises:
        DataError: a part is gone or of another size, or an image has another sha256.
        ServiceError: the store failed.
    """
    files = _PartFiles(store, parts)
    try:
        for images in in_order(files.images, _ranges(placed), READERS, BYTES_AHEAD, _size):
            yield from images
    finally:
        files.close()


def _ranges(placed: Iterable[Placed]) -> Iterator[list[Placed]]:
    some: list[Placed] = []
    for one in placed:
        if some and not _continues(some, one):
            yield some
            some = []
        some.append(one)
    if some:
        yield some


def _continues(some: Sequence[Placed], one: Placed) -> bool:
    last = some[-1].place
    near = last.part == one.place.part and 0 <= one.place.offset - _end(some[-1]) <= GAP_BYTES
    return near and _end(one) - _start(some) <= RANGE_BYTES


def _start(some: Sequence[Placed]) -> int:
    return some[0].place.offset


def _end(one: Placed) -> int:
    return one.place.offset + one.place.size


def _size(some: Sequence[Placed]) -> int:
    return _end(some[-1]) - _start(some)


class _PartFiles:
    """The parts in `store` that are open: one in each thread at a time."""

    def __init__(self, store: Store, parts: Mapping[str, Part]) -> None:
        self._store, self._parts = store, parts
        self._open: dict[int, tuple[str, BinaryIO]] = {}

    def close(self) -> None:
        """Close what is open."""
        for _, file in self._open.values():
            file.close()

    def images(self, some: Sequence[Placed]) -> list[tuple[Sample, bytes]]:
        """Return the images of `some`, which lie side by side, with their samples."""
        start, data = _start(some), self._read(some[0].place.part, _start(some), _end(some[-1]))
        found = [data[one.place.offset - start : _end(one) - start] for one in some]
        return [(one.sample, self._verified(one, image)) for one, image in zip(some, found, strict=True)]

    def _verified(self, one: Placed, image: bytes) -> bytes:
        for _ in range(ATTEMPTS - 1):
            if hashlib.sha256(image).hexdigest() == one.sample.sha256:
                return image
            image = self._read(one.place.part, one.place.offset, _end(one))
        if hashlib.sha256(image).hexdigest() == one.sample.sha256:
            return image
        raise DataError(
            f"An image must be unchanged since extract. Received: {one_line(one.sample.sample_id)} with another sha256 "
            f"in {one_line(self._store.uri(one.place.part))}. Run extract again, which writes it anew."
        )

    def _read(self, part: str, start: int, end: int) -> bytes:
        try:
            file = self._opened(part)
            file.seek(start)
            return file.read(end - start)
        except OSError as error:
            raise ServiceError(
                f"A part must be readable. Received: {one_line(self._store.uri(part))}: {error.strerror}. "
                "Check the disk."
            ) from error

    def _opened(self, part: str) -> BinaryIO:
        mine = threading.get_ident()
        if mine in self._open and self._open[mine][0] == part:
            return self._open[mine][1]
        if mine in self._open:
            self._open.pop(mine)[1].close()
        file = open_sized(self._store, part, self._parts[part].size)
        self._open[mine] = part, file
        return file
