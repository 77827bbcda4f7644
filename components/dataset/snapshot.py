"""The dataset: an immutable snapshot of samples with their image bytes, addressed by its content.

`<store>/<fingerprint>/part-*.parquet` and, written last, `dataset.json`. Parquet because DuckDB, pandas, Spark, Ray and
Hugging Face `datasets` read it; `image` follows the latter's convention, `struct<bytes, path>`.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from components.dataset.samples import COLUMNS, GIVEN_SPLIT, SPLITS, Sample
from components.step.errors import DataError, first_ten, one_line
from components.step.sealed_json import unsealed
from components.storage.names import check_label, check_name
from components.storage.ranged_file import DIGITS, Damaged, VerifiedFile
from components.storage.store import ObjectMissing, Store
from components.storage.stores import open_store

MANIFEST = "dataset.json"
FORMAT_VERSION = 1
READ_BYTES = 8 << 20
# The names in a manifest, and in one of its parts; what else an older one without a digest has was flipped.
NAMES = ("format_version", "fingerprint", "class_names", "samples", "parts")
PART_NAMES = {"name", "sha256", "size", "blocks", "samples"}


def fingerprint(samples: Iterable[Sample]) -> str:
    """Return the dataset's address: sha256 over the sorted lines `[sample_id, sha256, label, group]`, in JSON.

    A split that came with the images and is kept makes a line's last item.
    """
    digest = hashlib.sha256()
    for sample in sorted(samples):
        given = [sample.given_split] if sample.given_split else []
        line = [sample.sample_id, sample.sha256, sample.label, sample.group, *given]
        digest.update(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def open_dataset(uri: str) -> "Dataset":
    """Return the dataset at `uri`, its manifest read and checked.

    Raises:
        DataError: there is no complete dataset, or it is of another format version.
        ServiceError: the store does not answer.
    """
    store = open_store(uri)
    try:
        manifest = unsealed(store.read(MANIFEST), NAMES)
        if manifest["format_version"] == FORMAT_VERSION:
            return _described(store, manifest)
    except ObjectMissing as error:
        raise DataError(f"A dataset must have a {MANIFEST}. Received: {one_line(uri)}. Run extract again.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(
            f"A dataset's {MANIFEST} must be as extract writes it. Received: {one_line(uri)}: {one_line(error, 160)}. "
            "Run extract again, which writes it anew."
        ) from error
    raise DataError(
        f"A dataset must have format version {FORMAT_VERSION}. "
        f"Received: {one_line(manifest['format_version'], 40)} at {one_line(uri)}. Run extract again."
    )


def _described(store: Store, manifest: Mapping[str, Any]) -> "Dataset":
    class_names = [check_label(name) for name in manifest["class_names"]]
    parts = {check_name(part["name"]): _part(part) for part in manifest["parts"]}
    if not isinstance(manifest["fingerprint"], str):
        raise TypeError("fingerprint")
    return Dataset(store, manifest["fingerprint"], class_names, list(parts), parts)


def _part(described: Mapping[str, Any]) -> "PartDigests":
    if unknown := described.keys() - PART_NAMES:
        raise ValueError(f"the unknown name {min(unknown)!r}")
    blocks = str(described.get("blocks", ""))  # Datasets written before this was have none.
    cut = [blocks[start : start + DIGITS] for start in range(0, len(blocks), DIGITS)]
    return PartDigests(int(described["size"]), str(described["sha256"]), cut)


@dataclass(frozen=True, slots=True)
class PartDigests:
    """What a part was when it was written: bytes, hex sha256 of all, and those of its blocks (`block_digests`)."""

    size: int
    sha256: str
    blocks: list[str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that lies in `store`; `class_names` are sorted."""

    store: Store
    fingerprint: str
    class_names: list[str]
    parts: list[str]
    digests: Mapping[str, PartDigests]

    @property
    def uri(self) -> str:
        """Where the dataset lies."""
        return self.store.uri()

    def samples(self) -> list[Sample]:
        """Return every sample, sorted by sample_id; only the small columns are read.

        Raises:
            DataError: the samples are not those that the fingerprint stands for.
        """
        found = [sample for part in self.parts for sample in self._part_samples(part)]
        labels = sorted({sample.label for sample in found})
        if fingerprint(found) != self.fingerprint or labels != self.class_names:
            raise DataError(
                f"A dataset must be unchanged since extract. Received: {one_line(self.uri)}. Run extract again."
            )
        return sorted(found)

    def _part_samples(self, part: str) -> Iterator[Sample]:
        with self._opened(part) as file:
            table = pq.ParquetFile(file, pre_buffer=True)
            given = [GIVEN_SPLIT] if GIVEN_SPLIT in table.schema_arrow.names else []
            for batch in table.iter_batches(columns=[*COLUMNS, *given]):
                yield from (_with_legal_split(Sample(**row)) for row in batch.to_pylist())

    def is_whole(self, part: str) -> bool:
        """Tell whether each byte of `part` is the one written; all of them are read."""
        digest = hashlib.sha256()
        try:
            with self._opened(part) as file:
                while block := file.read(READ_BYTES):
                    digest.update(block)
        except DataError:
            return False
        return digest.hexdigest() == self.digests[part].sha256

    @contextmanager
    def _opened(self, part: str) -> Iterator[BinaryIO]:
        written = self.digests[part]
        with self.store.open(part) as file, _damage_named(self, part):
            if not written.blocks:
                yield file
                return
            size = file.seek(0, os.SEEK_END)
            if size != written.size:
                raise Damaged(f"{size:,} bytes instead of {written.size:,}")
            yield cast(BinaryIO, VerifiedFile(file, written.size, written.blocks))

    def images(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, bytes]]:
        """Yield each of `samples` once with its image's bytes, in the dataset's order; memory holds one row group.

        Raises:
            DataError: an image is missing or its bytes are not those of its sha256.
        """
        wanted = {sample.sample_id: sample for sample in samples}
        for part in self.parts:
            with self._opened(part) as file:
                # A row group's images are one range, so that Arrow's threads, each with a heap, would only add memory.
                yield from _wanted_images(pq.ParquetFile(file, pre_buffer=False), wanted)
            if not wanted:
                return
        raise DataError(
            "The dataset must hold every sample of the table. "
            f"Received: {first_ten(sorted(wanted))} not in {one_line(self.uri)}. "
            "Use the split tables made from this dataset."
        )


def _with_legal_split(sample: Sample) -> Sample:
    if sample.given_split and sample.given_split not in SPLITS:
        raise ValueError(f"{GIVEN_SPLIT} {one_line(repr(sample.given_split), 40)}")
    return sample


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


@contextmanager
def _damage_named(dataset: Dataset, part: str) -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise DataError(
            f"A part must be unchanged since extract. Received: {one_line(dataset.store.uri(part))}: {error}. "
            "Run extract again, which writes it anew."
        ) from error
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        # Beside Arrow's own errors: texts that are no UTF-8, and columns that are missing or of other types.
        raise DataError(
            f"A part must be Parquet as extract writes it. Received: {one_line(dataset.store.uri(part))}: "
            f"{one_line(error)}. Run extract again, which writes it anew."
        ) from error
