"""Arrow columns made of their buffers: `pyarrow.array` imports pandas where that is installed, and grows as it copies.

For a dataset of 45 MB the two were a tenth of extract's time.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_INT32 = pa.int32()


def texts(values: Sequence[str]) -> pa.Array:
    """Return `values` as a column of UTF-8 texts."""
    return _column([value.encode() for value in values], pa.string())


def byte_strings(values: Sequence[bytes]) -> pa.Array:
    """Return `values`, 2 GiB together at most, as a column of bytes."""
    return _column(values, pa.binary())


def integers(values: Sequence[int], kind: pa.DataType = _INT32) -> pa.Array:
    """Return `values` as a column of int32, or of the other integer type `kind`."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.array(values, str(kind)))])


def floats(values: NDArray[np.floating[Any]]) -> pa.Array:
    """Return `values`, all axes in one, as a column of their own type of float."""
    flat = np.ascontiguousarray(values).ravel()
    return pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), len(flat), [None, pa.py_buffer(flat)])


def numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the values of an integer `column` without nulls; its own `to_numpy` imports pandas as well."""
    return np.asarray(np.from_dlpack(column.combine_chunks()), np.int64)


def _column(values: Sequence[bytes], kind: pa.DataType) -> pa.Array:
    ends = np.cumsum([0, *map(len, values)], dtype=np.int64)
    if ends[-1] > np.iinfo(np.int32).max:  # What Arrow's offsets can say.
        raise ValueError(f"a column of {ends[-1]} bytes")
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(kind, len(values), buffers)
