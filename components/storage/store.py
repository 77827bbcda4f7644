"""What a store is: objects below one place, each read and written whole."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from components.step.errors import DataError, ServiceError, one_line
from components.step.regular_files import MAX_BYTES

LEADS_BACK = "is a link back to a folder above it, whose files are listed already"
LEADS_OUT = "is a link that leads out of the folder"
EMPTY_FOLDER = "is an empty folder"
LeftOut = Callable[[str, str], None]


class ObjectMissing(DataError):
    """The store was reached and holds no object of that name."""


class ObjectChanged(DataError):
    """The object is another one than the listing said."""


class ObjectUnreadable(ServiceError):
    """The store answers, and does not give this one object; `why` goes on after the object's name."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class ObjectDamaged(DataError):
    """The object's bytes are not those of the digest that its store keeps; `why` goes on after the object's name."""

    why = "did not arrive as its store keeps it, however often it was read"


def unnoted(name: str, why: str) -> None:
    """Note nothing of what a listing leaves out."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object: `name` relative to its store, `size` in bytes, and an `etag` that changes with its content.

    `written` is when, as Unix time by the store's clock; it says nothing of the content.
    """

    name: str
    size: int
    etag: str
    written: float = field(default=0.0, compare=False)


class Store(Protocol):
    """A folder of objects, on disk or in a bucket; names are relative to it, with `/` between parts."""

    def uri(self, name: str = "") -> str:
        """Return the full URI of the object called `name`."""

    def list(self, left_out: LeftOut = unnoted) -> Iterator[StoredObject]:
        """List every object below this store, in any order.

        `left_out` is told the name of what lies there and cannot be read, and why, as words that follow the name.
        """

    def read(self, name: str, expected: StoredObject | None = None, limit: int = MAX_BYTES) -> bytes:
        """Return the object's bytes, verified by whatever the store offers.

        Raises:
            ObjectMissing: there is none.
            ObjectChanged: it differs from `expected`, what the listing said.
            ObjectUnreadable: the store gives others, but not this one.
            ObjectDamaged: its bytes are not those of the digest that the store keeps.
            DataError: it has more than `limit` bytes, or is no regular file; nothing was read.
            ServiceError: the store failed, after retries.
        """

    def means(self) -> Mapping[str, int]:
        """Return how many of the reads so far were verified by what."""

    def open(self, name: str) -> BinaryIO:
        """Return the object as a seekable file, of which only what is asked for is read; raises as `read` does.

        No store has digests of ranges: see `verified_file`.
        """

    def download(self, name: str, path: Path) -> None:
        """Write the object to `path`, complete or not at all; raises as `read` does."""

    def upload(self, name: str, path: Path) -> None:
        """Store the file at `path` as `name`, complete and as it was sent, or not at all."""

    def exists(self, name: str) -> bool:
        """Tell whether there is an object called `name`."""

    def check_writable(self) -> None:
        """Try to write and to remove a tiny object.

        Raises:
            ServiceError: this is refused or fails.
        """

    def clear(self) -> None:
        """Remove every object below this store, and what killed uploads left there."""


def check_size(uri: str, size: int, limit: int) -> None:
    """Refuse an object of `size` bytes before it is read where that is more than `limit`.

    Raises:
        DataError: it is.
    """
    if size > limit:
        raise DataError(
            f"A file must have at most {limit:,} bytes. Received: {one_line(uri)} with {size:,}. Is it the right one?"
        )
