"""A shard of the feature cache: one Parquet file, complete or absent, that says what it is and proves its content."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from components.dataset.columns import floats, texts
from components.step.strict_json import read_json

FORMAT_VERSION = 1
METADATA = b"pawline"


class BadShard(Exception):
    """The file is no shard of this cache, or not as it was written; the message says why."""


def content_digest(sha256s: Sequence[str], features: NDArray[np.float32]) -> str:
    """Return the hex sha256 over the samples' digests and their features, little-endian float32 `[N, D]`."""
    digest = hashlib.sha256("\n".join(sha256s).encode())
    digest.update(np.ascontiguousarray(features, "<f4").tobytes())
    return digest.hexdigest()


def write_shard(path: Path, key: str, sha256s: Sequence[str], features: NDArray[np.float32]) -> None:
    """Write the features, float32 `[N, D]`, of the samples with these digests; `key` says what computed them."""
    schema = _schema(features.shape[1])
    flat = floats(np.asarray(features, np.float32))
    columns = [texts(sha256s), pa.FixedSizeListArray.from_arrays(flat, type=schema.types[1])]
    described = {"format_version": FORMAT_VERSION, "key": key, "sha256": content_digest(sha256s, features)}
    table = pa.table(columns, schema=schema)
    pq.write_table(
        table.replace_schema_metadata({METADATA: json.dumps(described, sort_keys=True)}),
        path,
        compression="none",  # Features are close to noise.
        use_dictionary=False,
        write_statistics=False,
    )


@contextmanager
def _damage_named() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise BadShard(str(error) or type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard that was opened: `sha256s` are its samples; the features are read when asked for."""

    file: pq.ParquetFile
    digest: str
    sha256s: list[str]

    def wanted(self, sha256s: AbstractSet[str]) -> list[tuple[str, NDArray[np.float32]]]:
        """Return those of the samples that are in `sha256s`, each with its features, float32 `[D]`.

        Raises:
            BadShard: the features are not those that were written.
        """
        with _damage_named():
            column = self.file.read(columns=["features"]).column(0).combine_chunks()
            features = np.asarray(column.flatten(), np.float32).reshape(len(self.sha256s), -1)
            if content_digest(self.sha256s, features) != self.digest:
                raise BadShard("another sha256 than was written")
        return [(s, row) for s, row in zip(self.sha256s, features, strict=True) if s in sha256s]


def open_shard(file: BinaryIO, key: str, dimensions: int) -> Shard:
    """Return the shard in `file`, its samples read and its features not yet.

    Raises:
        BadShard: it is none, of another key or format version, or its features have another length.
    """
    with _damage_named():
        parquet = pq.ParquetFile(file)
        digest = _checked_digest(parquet.schema_arrow, key, dimensions)
        return Shard(parquet, digest, parquet.read(columns=["sha256"]).column(0).to_pylist())


def _checked_digest(schema: pa.Schema, key: str, dimensions: int) -> str:
    described = read_json((schema.metadata or {})[METADATA])
    if described["format_version"] != FORMAT_VERSION or described["key"] != key:
        raise ValueError("of another backbone, image size or format version")
    if not schema.equals(_schema(dimensions)):
        raise ValueError("of other columns")
    return str(described["sha256"])


def _schema(dimensions: int) -> pa.Schema:
    return pa.schema([("sha256", pa.string()), ("features", pa.list_(pa.float32(), dimensions))])
