"""Whether files of a dataset are as they were written; what is not is named."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from components.step.errors import DataError, one_line
from components.storage.ranged_file import Damaged, VerifiedFile
from components.storage.store import ObjectMissing, Store

READ_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Digests:
    """What a file was when it was written: bytes, hex sha256 of all, and those of its blocks (`block_digests`)."""

    size: int
    sha256: str
    blocks: list[str] = field(default_factory=list)


def open_sized(store: Store, name: str, size: int) -> BinaryIO:
    """Return the file called `name`, at its beginning, which has `size` bytes.

    Raises:
        DataError: it is gone, or has more or fewer.
        ServiceError: the store failed.
    """
    try:
        file = store.open(name)
    except ObjectMissing as error:
        raise _refused("there", store, name, "nothing") from error
    found = file.seek(0, os.SEEK_END)
    file.seek(0)
    if found == size:
        return file
    file.close()
    raise _refused("unchanged since extract", store, name, f"{found:,} bytes instead of {size:,}")


@contextmanager
def opened(store: Store, name: str, written: Digests) -> Iterator[BinaryIO]:
    """Yield the file called `name`, of which each range that is read is compared with its blocks, if they are known.

    Raises:
        DataError: it is gone, or not as it was written; also where the work with it finds so, by Arrow's errors.
        ServiceError: the store failed.
    """
    with open_sized(store, name, written.size) as file, damage_named(store, name):
        yield cast(BinaryIO, VerifiedFile(file, written.size, written.blocks)) if written.blocks else file


def sha256_of(path: Path) -> str:
    """Return the sha256 of the file at `path` in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(store: Store, name: str, written: Digests) -> bool:
    """Tell whether each byte of the file called `name` is the one written; all of them are read."""
    digest = hashlib.sha256()
    try:
        with opened(store, name, written) as file:
            while block := file.read(READ_BYTES):
                digest.update(block)
    except DataError:
        return False
    return digest.hexdigest() == written.sha256


@contextmanager
def damage_named(store: Store, name: str) -> Iterator[None]:
    """Name the file called `name` where the work with it finds that it is not as it was written.

    Raises:
        DataError: it finds so.
    """
    try:
        yield
    except Damaged as error:
        raise _refused("unchanged since extract", store, name, str(error)) from error
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        # Beside Arrow's own errors: texts that are no UTF-8, and columns that are missing or of other types.
        raise _refused("Parquet as extract writes it", store, name, one_line(error)) from error


def _refused(must_be: str, store: Store, name: str, received: str) -> DataError:
    return DataError(
        f"A file of a dataset must be {must_be}. Received: {one_line(store.uri(name))}: {received}. "
        "Run extract again, which writes it anew."
    )
