"""Reading images once, in parallel and in order: fetched, decoded to verify them, hashed; memory stays flat."""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.dataset.images import MAX_IMAGE_BYTES, BadImage, decoded, open_image
from components.dataset.unseen import unseen_of
from components.step.cores import available_cores
from components.step.parallel import in_order
from components.storage.store import ObjectDamaged, ObjectMissing, ObjectUnreadable, Store, StoredObject

CONCURRENT_READS = 32
MAX_IMAGES_IN_FLIGHT = 2 * CONCURRENT_READS
MAX_BYTES_IN_FLIGHT = 2 * MAX_IMAGE_BYTES
# Decoded pixels are large and decoding keeps a core busy: no more at a time than there are cores.
_decoding = threading.Semaphore(available_cores())


@dataclass(frozen=True, slots=True)
class Verified:
    """An image's bytes, their sha256 and its size in pixels when upright, all of it empty where it has a `fault`.

    `fault` says why it cannot be used, and `remark` what is not seen of it, if anything.
    """

    data: bytes = b""
    sha256: str = ""
    width: int = 0
    height: int = 0
    fault: str = ""
    remark: str = ""


def read_images(store: Store, objects: Sequence[StoredObject]) -> Iterator[Verified]:
    """Read each of `objects` from `store` once and decode it once to verify it; yield them in their order.

    At most MAX_BYTES_IN_FLIGHT of images are in memory, MAX_IMAGES_IN_FLIGHT of them, and one more.

    Raises:
        DataError: an object is another one than the listing said.
        ServiceError: the store failed.
    """
    least = MAX_BYTES_IN_FLIGHT // MAX_IMAGES_IN_FLIGHT
    return in_order(
        lambda source: _read_one(store, source),
        objects,
        CONCURRENT_READS,
        MAX_BYTES_IN_FLIGHT,
        lambda source: max(source.size, least),
    )


def how_verified(means: Mapping[str, int]) -> str:
    """Return the sentence that says by what the bytes of how many objects were verified."""
    counted = ", ".join(f"{count} by {name}" for name, count in sorted(means.items()) if count)
    return f"Bytes verified as their store keeps them: {counted or 'none were read'}."


def _read_one(store: Store, source: StoredObject) -> Verified:
    if source.size > MAX_IMAGE_BYTES:
        return Verified(fault=f"has {source.size:,} bytes, more than the limit of {MAX_IMAGE_BYTES:,}")
    try:
        data = store.read(source.name, source)
    except ObjectMissing:
        return Verified(fault="was removed while the images were read")
    except (ObjectUnreadable, ObjectDamaged) as error:
        return Verified(fault=error.why)
    try:
        with _decoding, open_image(data) as image:
            size, remark = decoded(image).size, unseen_of(image)
    except BadImage as error:
        return Verified(fault=str(error))
    return Verified(data, hashlib.sha256(data).hexdigest(), *size, remark=remark)
