"""`samples.parquet`: one row a sample, with where it came from and where its image lies."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from components.dataset.columns import integers, texts
from components.dataset.part import Place
from components.dataset.samples import COLUMNS, GIVEN_SPLIT, SPLITS, Sample, columns_of
from components.step.errors import one_line

TABLE = "samples.parquet"
ROWS_AT_ONCE = 100_000
SOURCE = ("source_uri", "source_etag")
PLACE = ("part", "row", "offset", "size")
TYPES = {
    **dict.fromkeys(("sample_id", "label", "group", "sha256", *SOURCE, "part", GIVEN_SPLIT), pa.string()),
    **dict.fromkeys(("width", "height", "row"), pa.int32()),
    **dict.fromkeys(("offset", "size"), pa.int64()),
}


@dataclass(frozen=True, slots=True)
class Record:
    """A sample on its way into a dataset: the ETag it had where it came from, and where its image lies."""

    sample: Sample
    source_etag: str
    place: Place


def write_table(path: Path, records: Sequence[Record], source_uri: Callable[[str], str]) -> None:
    """Write `records` to `path` as Parquet; `source_uri` gives where the sample with some id came from."""
    names = [*columns_of(record.sample for record in records), *SOURCE, *PLACE]
    schema = pa.schema([pa.field(name, TYPES[name], nullable=False) for name in names])
    repeated = ["label", "part", *({GIVEN_SPLIT} & {*names})]
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=repeated) as writer:
        rows = iter(records)
        while some := list(islice(rows, ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_arrays([_column(name, some, source_uri) for name in names], schema=schema))


def _column(name: str, records: Sequence[Record], source_uri: Callable[[str], str]) -> pa.Array:
    values: list[Any]
    if name == "source_uri":
        values = [source_uri(record.sample.sample_id) for record in records]
    elif name == "source_etag":
        values = [record.source_etag for record in records]
    elif name in PLACE:
        values = [getattr(record.place, name) for record in records]
    else:
        values = [getattr(record.sample, name) for record in records]
    return texts(values) if TYPES[name] == pa.string() else integers(values, TYPES[name])


def read_table(file: BinaryIO) -> pa.Table:
    """Return what is needed of the table in `file`: the samples' columns, and the places without the rows.

    Raises:
        ValueError, KeyError, pa.ArrowException: it is no such table.
    """
    parquet = pq.ParquetFile(file, pre_buffer=True)
    given = [GIVEN_SPLIT] if GIVEN_SPLIT in parquet.schema_arrow.names else []
    names = [*COLUMNS, *given, "part", "offset", "size"]
    table = parquet.read(names).select(names)
    for name in names:
        if table.schema.field(name).type != TYPES[name] or table.column(name).null_count:
            raise ValueError(f"the column {name} is not {TYPES[name]}, or has nulls")
    return table


def samples_in(table: pa.Table) -> Iterator[Sample]:
    """Yield the samples of `table`, in its order.

    Raises:
        ValueError: one has a given split that is none.
    """
    names = [*COLUMNS, *([GIVEN_SPLIT] if GIVEN_SPLIT in table.column_names else [])]
    for batch in table.select(names).to_batches(max_chunksize=ROWS_AT_ONCE):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield with_legal_split(Sample(*row))


def with_legal_split(sample: Sample) -> Sample:
    """Return `sample`, whose given split is one or none.

    Raises:
        ValueError: it is another text.
    """
    if sample.given_split and sample.given_split not in SPLITS:
        raise ValueError(f"{GIVEN_SPLIT} {one_line(repr(sample.given_split), 40)}")
    return sample
