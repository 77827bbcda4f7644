"""Parts: Parquet files of images and of what is a function of their bytes, so that datasets share them.

`<dataset_store>/parts/part-<sha256>.parquet`. The images are encoded already and lie in a part as they are, so that
whoever knows at which byte one begins (`Place`) reads it alone, without Parquet.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from components.dataset.columns import byte_strings, integers, texts
from components.dataset.unchanged import sha256_of
from components.step.errors import ServiceError

FOLDER = "parts"
ROW_GROUP_BYTES = 16 << 20
PART_NAME = re.compile(r"part-[0-9a-f]{32}\.parquet")
IMAGE = "image"
BYTES = f"{IMAGE}.bytes"
HEAD = 32  # Of an image's bytes: enough to find where they begin.
LARGEST_HEADER = 4096  # What Parquet puts before a page of images, and more.
SCHEMA = pa.schema(
    [
        pa.field("sha256", pa.string(), nullable=False),
        *[pa.field(name, pa.int32(), nullable=False) for name in ("width", "height")],
        # The convention of Hugging Face `datasets`, which knows images by just this type, nullable; names are the
        # samples' and not the images'.
        pa.field(IMAGE, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": {IMAGE: {"_type": "Image"}}}})},
)
_PLAIN = [BYTES, f"{IMAGE}.path"]
_SMALL = ["sha256", "width", "height"]


@dataclass(frozen=True, slots=True)
class Image:
    """An encoded image with its sha256 in hex, and its size in pixels when upright."""

    data: bytes
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image lies: the part's name, the row in it, the byte at which it begins and its number of bytes."""

    part: str
    row: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its name, bytes, hex sha256 and number of images."""

    name: str
    size: int
    sha256: str
    images: int


def write_part(path: Path, images: Iterable[Image]) -> tuple[Part, list[Place]]:
    """Write `images` to `path`, row group by row group; return the part and the place of each image, in their order.

    Memory holds at most ROW_GROUP_BYTES of images and one image, twice. The same images give the same bytes with the
    same version of pyarrow.

    Raises:
        OSError: the file cannot be written.
        ServiceError: the file does not keep what is written.
    """
    marks: list[_Mark] = []
    compression = {name: "none" if name in _PLAIN else "zstd" for name in [*_SMALL, *_PLAIN]}
    options = {"compression": compression, "use_dictionary": False, "write_statistics": _SMALL}
    with pq.ParquetWriter(path, SCHEMA, **options) as writer:
        for group in _groups(images):
            writer.write_table(_table(group))
            marks += [_Mark(image.data[:HEAD], len(image.data), image.sha256) for image in group]
    sha256 = sha256_of(path)
    part = Part(f"part-{sha256[:32]}.parquet", path.stat().st_size, sha256, len(marks))
    offsets = _offsets(path, marks)
    return part, [Place(part.name, row, at, marks[row].size) for row, at in enumerate(offsets)]


@dataclass(frozen=True, slots=True)
class _Mark:
    """By what an image is found again: how its bytes begin, how many there are, and their sha256."""

    head: bytes
    size: int
    sha256: str


def _groups(images: Iterable[Image]) -> Iterator[list[Image]]:
    group: list[Image] = []
    size = 0
    for image in images:
        if group and size + len(image.data) > ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
        group.append(image)
        size += len(image.data)
    if group:
        yield group


def _table(images: Sequence[Image]) -> pa.Table:
    data = [byte_strings([image.data for image in images]), pa.nulls(len(images), pa.string())]
    columns = [
        texts([image.sha256 for image in images]),
        *(integers([getattr(image, name) for image in images]) for name in ("width", "height")),
        pa.StructArray.from_arrays(data, fields=list(SCHEMA.field(IMAGE).type)),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _offsets(path: Path, marks: Sequence[_Mark]) -> Iterator[int]:
    """Yield where the images of `marks` begin in the file at `path`, each compared with its sha256."""
    rows = iter(marks)
    with path.open("rb") as file:
        for start, count in _chunks(path):
            position = start
            for mark in islice(rows, count):
                position = _found(file, mark, position)
                yield position
                position += mark.size


def _chunks(path: Path) -> Iterator[tuple[int, int]]:
    """Yield for each row group where its images begin, and how many there are."""
    metadata = pq.read_metadata(path)
    column = next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == BYTES)
    for index in range(metadata.num_row_groups):
        yield metadata.row_group(index).column(column).data_page_offset, metadata.row_group(index).num_rows


def _found(file: BinaryIO, mark: _Mark, position: int) -> int:
    # Source: Parquet's encodings, PLAIN: the length, 4 bytes, little-endian, before each byte array.
    needle = mark.size.to_bytes(4, "little") + mark.head
    file.seek(position)
    at = position + file.read(LARGEST_HEADER + len(needle)).find(needle) + 4
    file.seek(at)
    if at < position + 4 or hashlib.sha256(file.read(mark.size)).hexdigest() != mark.sha256:
        raise ServiceError(
            "The temporary folder must keep what is written there. "
            f"Received: other bytes of the image with sha256 {mark.sha256}. Check the disk of TMPDIR."
        )
    return at
