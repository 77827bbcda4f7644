"""What a dataset of format version 1 holds: parts with all columns, in its own folder. They stay readable for ever."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.parquet as pq

from components.dataset.part import Part
from components.dataset.sample_table import with_legal_split
from components.dataset.samples import COLUMNS, GIVEN_SPLIT, Sample
from components.dataset.unchanged import Digests, is_whole, opened
from components.step.errors import DataError, one_line
from components.storage.names import check_name
from components.storage.ranged_file import listed_digests
from components.storage.store import Store

# The names in a part of a manifest; what else one without a digest has was flipped.
PART_NAMES = {"name", "sha256", "size", "blocks", "samples"}


class FirstFormat:
    """Parts in `store`, a dataset's folder: row groups of about 16 MiB of images with their samples."""

    def __init__(self, store: Store, manifest: Mapping[str, Any]) -> None:
        """Stand for what `manifest` says; nothing is read yet.

        Raises:
            ValueError, KeyError, TypeError: the manifest is not as extract wrote it.
        """
        self._store = store
        self._parts = {check_name(part["name"]): _digests(part) for part in manifest["parts"]}

    @property
    def parts(self) -> list[str]:
        """The parts' names, in the order of the samples."""
        return list(self._parts)

    def samples(self) -> list[Sample]:
        """Return every sample; only the small columns are read."""
        return [sample for part in self._parts for sample in self._part_samples(part)]

    def _part_samples(self, part: str) -> Iterator[Sample]:
        with opened(self._store, part, self._parts[part]) as file:
            table = pq.ParquetFile(file, pre_buffer=True)
            given = [GIVEN_SPLIT] if GIVEN_SPLIT in table.schema_arrow.names else []
            for batch in table.iter_batches(columns=[*COLUMNS, *given]):
                yield from (with_legal_split(Sample(**row)) for row in batch.to_pylist())

    def images(self, wanted: dict[str, Sample]) -> Iterator[tuple[Sample, bytes]]:
        """Yield the samples of `wanted` that there are, with their images' bytes, and remove them from it."""
        for part, written in self._parts.items():
            if not wanted:
                return
            with opened(self._store, part, written) as file:
                # A row group's images are one range, so that Arrow's threads, each with a heap, would only add memory.
                yield from _wanted_images(pq.ParquetFile(file, pre_buffer=False), wanted)

    def is_whole(self, known: Mapping[str, Part]) -> bool:
        """Tell whether each byte is the one written; all are read, as these parts are no other dataset's."""
        return all(is_whole(self._store, part, written) for part, written in self._parts.items())


def _digests(described: Mapping[str, Any]) -> Digests:
    if unknown := described.keys() - PART_NAMES:
        raise ValueError(f"the unknown name {min(unknown)!r}")
    blocks = listed_digests(str(described.get("blocks", "")))  # Datasets written before this was have none.
    return Digests(int(described["size"]), str(described["sha256"]), blocks)


def _wanted_images(file: pq.ParquetFile, wanted: dict[str, Sample]) -> Iterator[tuple[Sample, bytes]]:
    for index in range(file.num_row_groups):
        names = file.read_row_group(index, columns=["sample_id"]).column(0).to_pylist()
        if wanted.keys().isdisjoint(names):
            continue
        images = file.read_row_group(index, columns=["image.bytes"]).column(0).combine_chunks().field("bytes")
        for name, image in zip(names, images, strict=True):
            if sample := wanted.pop(name, None):
                yield sample, _verified(sample, image.as_py())


def _verified(sample: Sample, image: bytes) -> bytes:
    if hashlib.sha256(image).hexdigest() != sample.sha256:
        raise DataError(
            "An image must be unchanged since extract. "
            f"Received: {one_line(sample.sample_id)} with another sha256. Run extract again."
        )
    return image
