"""Writing a dataset: part by part, the manifest last."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.dataset.columns import byte_strings, integers, texts
from components.dataset.samples import GIVEN_SPLIT, Sample, columns_of
from components.dataset.snapshot import FORMAT_VERSION, MANIFEST, fingerprint, open_dataset
from components.step.errors import DataError, ServiceError, one_line
from components.step.files import json_text, scratch_folder
from components.step.parallel import each_in_parallel
from components.step.sealed_json import sealed
from components.storage.ranged_file import block_digests
from components.storage.store import Store
from components.storage.stores import open_store

ROW_GROUP_BYTES = 16 << 20
PART_BYTES = 256 << 20
CONCURRENT_PARTS = 4
IMAGE = "image"
TEXTS = ("sample_id", "label", "group", "sha256", GIVEN_SPLIT)  # Of a sample.

SCHEMA = pa.schema(
    [
        *[pa.field(name, pa.string(), nullable=False) for name in ("sample_id", "label", "group", "sha256")],
        *[pa.field(name, pa.int32(), nullable=False) for name in ("width", "height")],
        *[pa.field(name, pa.string(), nullable=False) for name in ("source_uri", "source_etag")],
        pa.field(IMAGE, pa.struct([("bytes", pa.binary()), ("path", pa.string())]), nullable=False),
    ],
    # What Hugging Face `datasets` reads to show the column as images.
    metadata={"huggingface": json.dumps({"info": {"features": {"image": {"_type": "Image"}}}})},
)


# The images are compressed already.
WITH_GIVEN_SPLIT = SCHEMA.append(pa.field(GIVEN_SPLIT, pa.string(), nullable=False))
COMPRESSION = {**dict.fromkeys(WITH_GIVEN_SPLIT.names, "zstd"), "image.bytes": "none", "image.path": "zstd"}


@dataclass(frozen=True, slots=True)
class Record:
    """A sample on its way into a dataset: where it came from, how large it is and how to get its bytes."""

    sample: Sample
    source_uri: str
    source_etag: str
    size: int
    read: Callable[[], bytes]


def write_dataset(store_uri: str, records: Sequence[Record], wrote: Callable[[int], None]) -> str:
    """Write `records` below `store_uri`, but for the parts that are there, each byte of them read; return the URI.

    Parts are written row group by row group, so memory holds at most ROW_GROUP_BYTES of images and one image. `wrote`
    is called with the number of samples after each row group. The manifest comes last: without it there is no dataset.

    Raises:
        ServiceError: the store or the temporary folder cannot be written.
    """
    records = sorted(records, key=lambda record: record.sample)
    address = fingerprint(record.sample for record in records)
    store = open_store(f"{store_uri.rstrip('/')}/{address}")
    whole = _whole_parts(store)
    if whole is None:
        wrote(len(records))
        return store.uri()
    parts = []
    for index, part in enumerate(_cut(records, PART_BYTES)):
        parts.append(_write_part(store, index, part, whole, wrote))
    _upload_text(store, MANIFEST, json_text(sealed(_manifest(address, records, parts))))
    return store.uri()


def _whole_parts(store: Store) -> set[str] | None:
    """Return the parts of the dataset in `store` that are as they were written, None if all of it is."""
    try:
        dataset = open_dataset(store.uri())
    except DataError:  # Absent, or another's manifest.
        return set()
    checked = dict(each_in_parallel(dataset.is_whole, dataset.parts, CONCURRENT_PARTS))
    whole = {part for part, is_whole in checked.items() if is_whole}
    try:
        return whole if len(whole) < len(checked) or not dataset.samples() else None
    except DataError:  # Whole parts, which are not those of the manifest.
        return set()


def _manifest(address: str, records: Sequence[Record], parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "fingerprint": address,
        "class_names": sorted({record.sample.label for record in records}),
        "samples": len(records),
        "parts": parts,
    }


def _write_part(
    store: Store, index: int, records: Sequence[Record], whole: Collection[str], wrote: Callable[[int], None]
) -> dict[str, Any]:
    with _scratch_folder() as folder:
        path, schema = Path(folder) / "part.parquet", _schema(records)
        compression = {name: how for name, how in COMPRESSION.items() if name != GIVEN_SPLIT or name in schema.names}
        with pq.ParquetWriter(path, schema, compression=compression, use_dictionary=["label"]) as writer:
            for group in _cut(records, ROW_GROUP_BYTES):
                writer.write_table(_table(group, schema))
                wrote(len(group))
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            blocks = "".join(block_digests(file))
        # The digest in the name keeps two writers with other versions of pyarrow from mixing their parts.
        name = f"part-{index:05}-{sha256[:12]}.parquet"
        if name not in whole:
            store.upload(name, path)
        size = path.stat().st_size
        return {"name": name, "sha256": sha256, "size": size, "blocks": blocks, "samples": len(records)}


def _schema(records: Sequence[Record]) -> pa.Schema:
    return WITH_GIVEN_SPLIT if GIVEN_SPLIT in columns_of(record.sample for record in records) else SCHEMA


def _table(records: Sequence[Record], schema: pa.Schema) -> pa.Table:
    arrays = {name: texts([getattr(r.sample, name) for r in records]) for name in TEXTS if name in schema.names}
    arrays |= {name: integers([getattr(r.sample, name) for r in records]) for name in ("width", "height")}
    arrays |= {name: texts([getattr(r, name) for r in records]) for name in ("source_uri", "source_etag")}
    images = [byte_strings([_read(r) for r in records]), texts([r.sample.sample_id for r in records])]
    arrays[IMAGE] = pa.StructArray.from_arrays(images, fields=list(SCHEMA.field(IMAGE).type))
    return pa.Table.from_arrays([arrays[name] for name in schema.names], schema=schema)


def _read(record: Record) -> bytes:
    image = record.read()
    if hashlib.sha256(image).hexdigest() != record.sample.sha256:
        raise ServiceError(
            "The temporary folder must keep what is written there. "
            f"Received: other bytes of {one_line(record.sample.sample_id)}. Check the disk of TMPDIR."
        )
    return image


def _cut(records: Sequence[Record], limit: int) -> Iterator[Sequence[Record]]:
    start = size = 0
    for index, record in enumerate(records):
        if size and size + record.size > limit:
            yield records[start:index]
            start, size = index, 0
        size += record.size
    yield records[start:]


def _upload_text(store: Store, name: str, text: str) -> None:
    with _scratch_folder() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        store.upload(name, path)


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    try:
        with scratch_folder() as folder:
            yield Path(folder)
    except OSError as error:
        raise ServiceError(
            f"The temporary folder must be writable. Received: {error.strerror}. Free space or set TMPDIR."
        ) from error
