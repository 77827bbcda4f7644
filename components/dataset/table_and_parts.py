"""What a dataset of format version 2 holds: one table of samples, and parts that other datasets may share."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.dataset.columns import numbers, texts
from components.dataset.image_ranges import Placed, read_images
from components.dataset.images import MAX_IMAGE_BYTES
from components.dataset.part import FOLDER, PART_NAME, Part, Place
from components.dataset.sample_table import TABLE, read_table, samples_in
from components.dataset.samples import Sample
from components.dataset.unchanged import Digests, damage_named, is_whole, opened
from components.step.addresses import bucket_and_prefix
from components.storage.ranged_file import listed_digests
from components.storage.store import Store
from components.storage.stores import open_store


class TableAndParts:
    """The table in `store`, a dataset's folder, and the parts it names, which lie in a folder beside that."""

    def __init__(self, store: Store, manifest: Mapping[str, Any]) -> None:
        """Stand for what `manifest` says; nothing is read yet.

        Raises:
            ValueError, KeyError, TypeError: the manifest is not as extract writes it.
        """
        table, self._store = manifest["table"], store
        blocks = listed_digests(str(table["blocks"]))
        self._written = Digests(int(table["size"]), str(table["sha256"]), blocks)
        if not blocks:
            raise ValueError("no blocks")
        self._parts = {part.name: part for part in map(_part, manifest["parts"])}
        self._shared = open_store(parts_uri(store.uri()))

    @property
    def parts(self) -> list[str]:
        """The parts' names, in the order of the samples."""
        return list(self._parts)

    @cached_property
    def _table(self) -> pa.Table:
        with opened(self._store, TABLE, self._written) as file:
            return _checked(read_table(file), self._parts)

    def samples(self) -> list[Sample]:
        """Return every sample; the table is read once, whatever else is asked of it."""
        table = self._table
        with damage_named(self._store, TABLE):
            return list(samples_in(table))

    def images(self, wanted: dict[str, Sample]) -> Iterator[tuple[Sample, bytes]]:
        """Yield the samples of `wanted` that there are, with their images' bytes, and remove them from it."""
        placed = self._placed(wanted)
        for sample, image in read_images(self._shared, self._parts, placed):
            del wanted[sample.sample_id]
            yield sample, image

    def _placed(self, wanted: Mapping[str, Sample]) -> list[Placed]:
        names = texts(list(wanted))
        found = pc.index_in(names, value_set=self._table.column("sample_id")).drop_null()
        rows = self._table.select(["sample_id", "part", "offset", "size"]).take(found)
        columns = zip(*(rows.column(name).to_pylist() for name in rows.column_names), strict=True)
        order = {name: number for number, name in enumerate(self._parts)}
        placed = [Placed(wanted[name], Place(part, -1, at, size)) for name, part, at, size in columns]
        return sorted(placed, key=lambda one: (order[one.place.part], one.place.offset))

    def is_whole(self, known: Mapping[str, Part]) -> bool:
        """Tell whether each byte is the one written; of the parts `known` to be so, by name, none is read."""
        unknown = [part for part in self._parts.values() if part != known.get(part.name)]
        return is_whole(self._store, TABLE, self._written) and all(
            is_whole(self._shared, part.name, Digests(part.size, part.sha256)) for part in unknown
        )


def parts_uri(dataset_uri: str) -> str:
    """Return where the parts of the dataset at `dataset_uri` lie: in the folder `parts` beside it."""
    if "://" in dataset_uri:
        bucket, path = bucket_and_prefix(dataset_uri)
        return f"s3://{bucket}/{path.strip('/').rpartition('/')[0]}".rstrip("/") + f"/{FOLDER}"
    return str(Path(dataset_uri).resolve().parent / FOLDER)


def _part(described: Mapping[str, Any]) -> Part:
    part = Part(**described)
    if not PART_NAME.fullmatch(part.name) or not part.sha256.startswith(part.name[5:37]):
        raise ValueError(f"the part {part.name!r}")
    if not (isinstance(part.size, int) and isinstance(part.images, int)):
        raise TypeError(f"the size of {part.name}")
    return part


def _checked(table: pa.Table, parts: Mapping[str, Part]) -> pa.Table:
    """Return `table`, whose images lie within `parts`; a place elsewhere could take any memory."""
    names = pc.index_in(table.column("part"), value_set=texts(list(parts)))
    if names.null_count:
        raise ValueError("an image in a part that is not the dataset's")
    ends = np.array([part.size for part in parts.values()], np.int64)[numbers(names)]
    offset, size = numbers(table.column("offset")), numbers(table.column("size"))
    if ((offset < 0) | (size < 0) | (size > np.minimum(ends, MAX_IMAGE_BYTES)) | (offset > ends - size)).any():
        raise ValueError("an image outside of its part")
    return table
