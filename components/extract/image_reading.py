"""Reading a listing of images once, in parallel, into one temporary file: memory stays flat, a kill leaves nothing."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO

from components.dataset.images import MAX_PIXELS, BadImage, decoded, open_image
from components.dataset.unseen import unseen_of
from components.step.cores import available_cores
from components.step.errors import ServiceError
from components.step.parallel import ByteBudget, each_in_parallel
from components.step.progress import Progress
from components.storage.store import ObjectDamaged, ObjectMissing, ObjectUnreadable, Store, StoredObject

CONCURRENT_READS = 32
# As much as the largest image accepted takes without any compression, 3 bytes a pixel.
MAX_IMAGE_BYTES = 3 * MAX_PIXELS
MAX_BYTES_IN_FLIGHT = 2 * MAX_IMAGE_BYTES
# Decoded pixels are large and decoding keeps a core busy: no more at a time than there are cores.
_decoding = threading.Semaphore(available_cores())

# Bytes, their sha256, width and height, fault and remark.
_Read = tuple[bytes, str, tuple[int, int], str, str]


@dataclass(frozen=True, slots=True)
class SpooledImage:
    """One image that was read: its place in the spool, why it is bad if it is, and what is not seen of it, if any."""

    source: StoredObject
    offset: int
    sha256: str
    width: int
    height: int
    fault: str = ""
    remark: str = ""


class Spool:
    """An unnamed temporary file of images."""

    def __init__(self, file: BinaryIO) -> None:
        """Keep the images in `file`."""
        self._file = file

    def add(self, data: bytes) -> int:
        """Append `data`; return where it begins."""
        offset = self._file.seek(0, os.SEEK_END)
        self._file.write(data)
        return offset

    def read(self, image: SpooledImage) -> bytes:
        """Return the bytes of `image`."""
        self._file.seek(image.offset)
        return self._file.read(image.source.size)


@contextmanager
def open_spool() -> Iterator[Spool]:
    """Yield a spool in the temporary folder (TMPDIR), which needs room for all the images.

    Raises:
        ServiceError: the folder cannot be written or is full.
    """
    try:
        with tempfile.TemporaryFile(prefix="pawline-") as file:
            yield Spool(file)
    except OSError as error:
        raise ServiceError(
            f"The temporary folder must have room for the images. Received: {error.strerror or error}. "
            "Free space or set TMPDIR."
        ) from error


def read_images(store: Store, objects: Sequence[StoredObject], spool: Spool) -> list[SpooledImage]:
    """Read `objects` from `store` once, decode each once to verify it, and keep its bytes in `spool`.

    Returns:
        One SpooledImage per object, in the order of `objects`; one that is missing or cannot be decoded has a `fault`.
    """
    found: dict[str, SpooledImage] = {}
    budget = ByteBudget(MAX_BYTES_IN_FLIGHT)
    with Progress("reading images", len(objects)) as progress:
        work = each_in_parallel(lambda source: _read_one(store, source, budget), objects, CONCURRENT_READS)
        for source, (data, sha256, size, fault, remark) in work:
            offset = -1 if fault else spool.add(data)
            if source.size <= MAX_IMAGE_BYTES:
                budget.give_back(source.size)
            # What is cut out of an image has another size than was listed.
            read = source if fault else replace(source, size=len(data))
            found[source.name] = SpooledImage(read, offset, sha256, *size, fault, remark)
            progress.advance()
    return [found[source.name] for source in objects]


def how_verified(means: Mapping[str, int]) -> str:
    """Return the sentence that says by what the bytes of how many objects were verified."""
    counted = ", ".join(f"{count} by {name}" for name, count in sorted(means.items()) if count)
    return f"Bytes verified as their store keeps them: {counted or 'none were read'}."


def _read_one(store: Store, source: StoredObject, budget: ByteBudget) -> _Read:
    if source.size > MAX_IMAGE_BYTES:
        return _faulty(f"has {source.size:,} bytes, more than the limit of {MAX_IMAGE_BYTES:,}")
    budget.take(source.size)
    try:
        data = store.read(source.name, source)
    except ObjectMissing:
        return _faulty("was removed while the images were read")
    except (ObjectUnreadable, ObjectDamaged) as error:
        return _faulty(error.why)
    try:
        with _decoding, open_image(data) as image:
            size, remark = decoded(image).size, unseen_of(image)
    except BadImage as error:
        return _faulty(str(error))
    return data, hashlib.sha256(data).hexdigest(), size, "", remark


def _faulty(fault: str) -> _Read:
    return b"", "", (0, 0), fault, ""
