"""What the trained network makes of the images it learnt from: the table in which later steps look for neighbours."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from components.dataset.columns import floats, texts
from components.dataset.samples import Sample
from components.step.errors import DataError, one_line
from components.step.files import atomic_write
from components.step.regular_files import open_regular

MOST_TRAINING, MOST_VALIDATION = 8_000, 2_000
TEXTS = ("sample_id", "label", "split")
DIGEST = b"digest"  # In the schema, over all that the table holds.


@dataclass(frozen=True, slots=True)
class TrainingFeatures:
    """Samples with their label, their split (train or validation) and their features, float32 `[N, D]`."""

    sample_ids: list[str]
    labels: list[str]
    splits: list[str]
    features: NDArray[np.float32]


def spread_rows(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of the rows 0 to `count` - 1, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)) if count else np.arange(0)


def write_training_features(
    path: Path, train: Sequence[Sample], validation: Sequence[Sample], features: NDArray[Any]
) -> None:
    """Write the table as Parquet.

    Args:
        path: the file to write.
        train: samples to find again.
        validation: likewise; they follow the others.
        features: what the head sees of all of them, float `[N, D]`; kept as 16-bit floats.

    Raises:
        ServiceError: `path` cannot be written.
    """
    samples = [*train, *validation]
    halves = pa.FixedSizeListArray.from_arrays(floats(_halves(features)), features.shape[1])
    words = [
        [sample.sample_id for sample in samples],
        [sample.label for sample in samples],
        ["train"] * len(train) + ["validation"] * len(validation),
    ]
    table = pa.table([*map(texts, words), halves], names=[*TEXTS, "features"])
    digest = _digest(words, _matrix(table.column("features"), len(table)))
    with atomic_write(path) as temporary:
        pq.write_table(table.replace_schema_metadata({DIGEST: digest}), temporary, compression="zstd")


def read_training_features(path: Path) -> TrainingFeatures:
    """Return the table at `path`.

    Raises:
        DataError: there is none, or it is not one that train wrote.
    """
    try:
        with open_regular(path) as file:
            table = pq.ParquetFile(file).read(columns=[*TEXTS, "features"])  # `read_table` imports pandas.
        ids, labels, splits = words = [table.column(name).to_pylist() for name in TEXTS]
        features = _matrix(table.column("features"), len(table))
        _check_digest(table.schema.metadata, words, features)
        return TrainingFeatures(ids, labels, splits, features)
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DataError(
            f"The training features must be a table that train wrote. "
            f"Received: {one_line(path)}: {one_line(error, 120)}. Train again."
        ) from error


def _check_digest(
    metadata: Mapping[bytes, bytes] | None, words: Sequence[Sequence[str]], features: NDArray[np.float32]
) -> None:
    # Tables of before there were digests have no metadata at all.
    if metadata is not None and metadata[DIGEST].decode() != _digest(words, features):
        raise ValueError("its digest is another")


def _digest(words: Sequence[Sequence[str]], features: NDArray[np.float32]) -> str:
    digest = hashlib.sha256(json.dumps(words).encode())
    digest.update(np.ascontiguousarray(features, "<f4").tobytes())
    return digest.hexdigest()


def _halves(features: NDArray[Any]) -> NDArray[np.float16]:
    largest = float(np.finfo(np.float16).max)
    return np.asarray(np.clip(features, -largest, largest).astype(np.float16))


def _matrix(column: "pa.ChunkedArray", rows: int) -> NDArray[np.float32]:
    values = column.combine_chunks()
    matrix = np.asarray(np.from_dlpack(values.values), np.float32).reshape(rows, values.type.list_size)
    if not np.isfinite(matrix).all():
        raise ValueError("features that are not finite")
    return matrix
