"""Reads a PyTorch state dict with numpy alone, admitting nothing but tensors.

The format is the one `torch.save` wrote before 1.6 (`torch/serialization.py`, `_legacy_save`): three pickles (magic
number, protocol, system), the pickled state dict whose tensors name storages, the pickled list of storage keys, then
for each key an int64 count of elements and the elements themselves, little-endian.
"""

import hashlib
import io
import math
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from components.step.errors import DataError, one_line

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_checkpoint(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """Return the tensors of the state dict at `path` by name, float32 or int64.

    Nothing is unpickled before the file's digest is the expected one, and then by an unpickler that can build tensors
    and nothing else.

    Raises:
        DataError: the digest is another one, or the file is no such state dict.
    """
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise DataError(
            f"The checkpoint must have sha256 {sha256}. Received: {one_line(path)} with {found}. Use the original file."
        )
    return parse_checkpoint(data)


def parse_checkpoint(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the tensors in `data`, a legacy state dict; hostile bytes end as DataError and run nothing."""
    try:
        return _parse(io.BytesIO(data), len(data))
    except Exception as error:  # Malformed pickles raise nearly anything: IndexError, AttributeError, UnicodeError, …
        raise DataError(
            f"The checkpoint must be a PyTorch state dict of tensors. Received: {one_line(error)}. "
            "Use the original file."
        ) from error


def _parse(file: BinaryIO, size: int) -> dict[str, NDArray[Any]]:
    storages: dict[str, _Storage] = {}
    header = [_TensorUnpickler(file, storages, size).load() for _ in range(3)]
    if header[:2] != [MAGIC_NUMBER, PROTOCOL]:
        raise ValueError(f"another format, header {header[:2]}")
    tensors = _TensorUnpickler(file, storages, size).load()
    for key in _TensorUnpickler(file, storages, size).load():
        storages[key].read(file)
    return {name: tensor.array() for name, tensor in tensors.items()}


@dataclass(slots=True)
class _Storage:
    dtype: np.dtype[Any]
    count: int
    values: NDArray[Any] | None = None

    def read(self, file: BinaryIO) -> None:
        if int.from_bytes(file.read(8), "little", signed=True) != self.count:
            raise ValueError("a storage of another size than announced")
        self.values = np.frombuffer(file.read(self.count * self.dtype.itemsize), self.dtype, self.count)


@dataclass(slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        if self.storage.values is None:
            raise ValueError("a storage without content")
        # The published weights were permuted from TensorFlow's layout without copying: strides are not C order.
        strides = tuple(step * self.storage.dtype.itemsize for step in self.stride)
        values = self.storage.values[self.offset :]
        return np.lib.stride_tricks.as_strided(values, self.shape, strides, writeable=False).copy()


class _TensorUnpickler(pickle.Unpickler):
    """Finds no class but the few below, none of which runs code of the file's choosing."""

    def __init__(self, file: BinaryIO, storages: dict[str, _Storage], size: int) -> None:
        super().__init__(file, encoding="utf-8")
        self._storages, self._size = storages, size

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is no tensor")

    def persistent_load(self, identity: Any) -> _Storage:
        kind, dtype, key, _location, count, view = identity
        if kind != "storage" or view is not None or not 0 <= count * dtype.itemsize <= self._size:
            raise pickle.UnpicklingError(f"storage {key!r} does not fit")
        return self._storages.setdefault(key, _Storage(dtype, count))


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> _Tensor:
    if not isinstance(storage, _Storage) or min((offset, *shape, *stride)) < 0:
        raise pickle.UnpicklingError("a tensor that is not in a storage")
    last = offset + sum((length - 1) * step for length, step in zip(shape, stride, strict=True))
    if 0 in shape or last >= storage.count or math.prod(shape) > storage.count:
        raise pickle.UnpicklingError("a tensor that reaches beyond its storage")
    return _Tensor(storage, offset, shape, stride)
