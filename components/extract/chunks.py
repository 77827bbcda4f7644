"""The unit of extract's work: a chunk of listed images becomes one part in the store, and what is known of each image.

Whoever runs the units (one after the other here, elsewhere many at a time) gets the same parts: where chunks begin
depends on names and sizes alone, and a part's name on its content.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from components.dataset.part import FOLDER, Image, Part, Place, write_part
from components.dataset.writer import keep_part, temporary_folder
from components.extract.crops import Crop, cropping
from components.extract.image_reading import Verified, read_images
from components.step.parallel import in_order
from components.storage.store import StoredObject
from components.storage.stores import open_store

# A chunk ends behind one image in so many bytes, chosen by its name, so that an image more or less changes one chunk
# and leaves the parts of all others as they are; and before it grows larger than MOST_BYTES.
USUAL_BYTES, MOST_BYTES = 64 << 20, 128 << 20

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some listed images, and what those of them are that are cut out of others, by name."""

    objects: Sequence[StoredObject]
    crops: Mapping[str, Crop]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Where images are read from and datasets are kept.

    With `despite_faults` a chunk becomes a part although an image of it cannot be used; else such a chunk becomes none.
    """

    images_uri: str
    dataset_store: str
    despite_faults: bool

    @property
    def parts_uri(self) -> str:
        """Where parts are kept."""
        return f"{self.dataset_store.rstrip('/')}/{FOLDER}"


@dataclass(frozen=True, slots=True)
class ReadImage:
    """What is known of an image: its place, None with why it is bad as `fault`; `remark` is what is not seen of it."""

    sha256: str
    width: int
    height: int
    place: Place | None
    fault: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class WrittenChunk:
    """What a chunk became: a part, None where none was to be kept, and the images in the chunk's order.

    `means` says how many reads the store verified by what.
    """

    part: Part | None
    images: list[ReadImage]
    means: Mapping[str, int]


def chunks_of(objects: Iterable[StoredObject], crops: Mapping[str, Crop]) -> Iterator[Chunk]:
    """Cut `objects`, sorted by name, into chunks; `crops` are those of them that are cut out of others, by name."""
    for some in _cut(objects):
        yield Chunk(some, {found.name: crops[found.name] for found in some if found.name in crops})


def _cut(objects: Iterable[StoredObject]) -> Iterator[list[StoredObject]]:
    some: list[StoredObject] = []
    size = 0
    for found in objects:
        if some and size + found.size > MOST_BYTES:
            yield some
            some, size = [], 0
        some.append(found)
        size += found.size
        if _ends_a_chunk(found):
            yield some
            some, size = [], 0
    if some:
        yield some


def _ends_a_chunk(found: StoredObject) -> bool:
    drawn = int.from_bytes(hashlib.sha256(found.name.encode()).digest()[:8], "big")
    return drawn * USUAL_BYTES < found.size << 64


def write_chunk(transfer: Transfer, chunk: Chunk) -> WrittenChunk:
    """Read `chunk`, verify each image, and keep those that can be used as a part.

    The temporary folder needs room for one part.

    Raises:
        DataError: an object is another one than the listing said.
        ServiceError: a store failed, or the temporary folder is full.
    """
    with temporary_folder() as folder:
        return _sent(transfer, _read(transfer, chunk, folder / "part", _unnoted))


def write_chunks(transfer: Transfer, chunks: Iterable[Chunk], advance: Advance) -> Iterator[WrittenChunk]:
    """Do `write_chunk` with each of `chunks`, in order; the next is read while one is sent.

    The temporary folder needs room for two parts. `advance` is told of each image that was read.
    """
    with temporary_folder() as folder:
        read = (_read(transfer, chunk, folder / f"part-{number}", advance) for number, chunk in enumerate(chunks))
        yield from in_order(lambda unsent: _sent(transfer, unsent), read, threads=1, ahead=1)


_Unsent = tuple[WrittenChunk, Path]


def _read(transfer: Transfer, chunk: Chunk, path: Path, advance: Advance) -> _Unsent:
    source, seen = cropping(open_store(transfer.images_uri), chunk.crops), list[Verified]()

    def usable() -> Iterator[Image]:
        for verified in read_images(source, chunk.objects):
            advance(1)
            seen.append(replace(verified, data=b""))
            if not verified.fault:
                yield Image(verified.data, verified.sha256, verified.width, verified.height)

    part, found = write_part(path, usable())
    place = iter(found)
    images = [
        ReadImage(one.sha256, one.width, one.height, None if one.fault else next(place), one.fault, one.remark)
        for one in seen
    ]
    is_kept = part.images and (transfer.despite_faults or part.images == len(chunk.objects))
    return WrittenChunk(part if is_kept else None, images, source.means()), path


def _sent(transfer: Transfer, unsent: _Unsent) -> WrittenChunk:
    written, path = unsent
    if written.part:
        keep_part(open_store(transfer.parts_uri), written.part, path)
    path.unlink()
    return written


def _unnoted(_: int) -> None:
    """Note nothing of how far the work is."""
