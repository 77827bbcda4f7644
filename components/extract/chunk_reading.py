"""All chunks of a listing read and kept, by this process or by the nodes of a cluster: the same parts."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from components.dataset.part import Part
from components.engine.marks import marked
from components.extract.chunks import Chunk, ReadImage, Transfer, WrittenChunk, write_chunk, write_chunks
from components.step.progress import Progress

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster


@dataclass(frozen=True, slots=True)
class Read:
    """What became of the images, in their order, the parts they lie in, and what verified how many reads."""

    images: list[ReadImage]
    parts: dict[str, Part]
    means: Counter[str]


def read_chunks(
    transfer: Transfer, chunks: Sequence[Chunk], cluster: "RayCluster | None", seen: tuple[str, str]
) -> Read:
    """Read, verify and keep `chunks`, here or on the nodes of `cluster`.

    These must see the image `seen`, the address of a store and a name in it, and the store that is written.

    Raises:
        DataError: an object is another one than the listing said.
        ServiceError: a store or the cluster failed.
    """
    found = Read([], {}, Counter())
    with Progress("reading images", sum(len(chunk.objects) for chunk in chunks)) as progress:
        for _, done in _written(transfer, chunks, cluster, seen, progress.advance):
            found.images.extend(done.images)
            found.parts.update({done.part.name: done.part} if done.part else {})
            found.means.update(done.means)
    return found


def _written(
    transfer: Transfer,
    chunks: Sequence[Chunk],
    cluster: "RayCluster | None",
    seen: tuple[str, str],
    advance: Callable[[int], None],
) -> Iterable[tuple[Chunk, WrittenChunk]]:
    """Return each chunk with what it became, in their order; `seen` is an image that nodes of the cluster must see."""
    if cluster is None:
        return zip(chunks, write_chunks(transfer, chunks, advance), strict=True)
    done: list[tuple[Chunk, WrittenChunk]] = []
    with marked(transfer.dataset_store) as mark:
        cluster.check_nodes((seen, mark))
        for pair in cluster.each(partial(write_chunk, transfer), chunks, _name_of, (seen, mark)):
            advance(len(pair[0].objects))
            done.append(pair)
    return sorted(done, key=lambda pair: pair[0].objects[0].name)


def _name_of(chunk: Chunk) -> str:
    return f"{chunk.objects[0].name} to {chunk.objects[-1].name}"
