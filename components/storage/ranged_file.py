"""Files whose bytes are read by ranges from elsewhere, and whether each range is what was written."""

import io
import zlib
from collections.abc import Callable, Sequence
from typing import BinaryIO

BLOCK_BYTES = 1 << 20
KEPT_BYTES = 4 << 20  # More is a column of images, which nobody reads twice.
DIGITS = 8  # Of a block's CRC-32 in hex: what changes by accident is found, and what is meant has sha256s beside it.
ATTEMPTS = 3  # A bit that flipped on the way is right the next time, one that flipped in the store never.


class Damaged(ValueError):
    """A file whose bytes are not those of its digests."""


class RangedFile(io.RawIOBase):
    """A seekable file of `size` bytes, of which `read_range` gives those from a start up to, not including, an end."""

    def __init__(self, read_range: Callable[[int, int], bytes], size: int) -> None:
        self._read_range, self._size, self._position = read_range, size, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it has positions."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to `offset` from `whence`; return the position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes from the position, all if negative."""
        end = self._size if size < 0 else min(self._position + size, self._size)
        if end <= self._position:
            return b""
        data = self._read_range(self._position, end)
        self._position += len(data)
        return data


def block_digests(file: BinaryIO) -> list[str]:
    """Return the CRC-32 of each BLOCK_BYTES of `file`, the last one shorter, in hex."""
    return [_digest(block) for block in iter(lambda: file.read(BLOCK_BYTES), b"")]


def listed_digests(joined: str) -> list[str]:
    """Return the digests that `block_digests` gave and that stand `joined`, without anything between them."""
    return [joined[start : start + DIGITS] for start in range(0, len(joined), DIGITS)]


class VerifiedFile(RangedFile):
    """`file`, of `size` bytes, read by whole blocks that are compared with `digests`, as `block_digests` gives them.

    Its `read` raises Damaged where a block is another one however often it is read.
    """

    def __init__(self, file: BinaryIO, size: int, digests: Sequence[str]) -> None:
        super().__init__(self._verified, size)
        self._file, self._digests = file, digests
        self._last: tuple[int, bytes] = 0, b""  # Small columns lie side by side: several reads need the same blocks.

    def _verified(self, start: int, end: int) -> bytes:
        begin, data = self._last
        if not begin <= start < end <= begin + len(data):
            begin, data = self._blocks(start // BLOCK_BYTES, -(-end // BLOCK_BYTES))
            if len(data) <= KEPT_BYTES:
                self._last = begin, data
        return data if (start, end) == (begin, begin + len(data)) else data[start - begin : end - begin]

    def _blocks(self, first: int, last: int) -> tuple[int, bytes]:
        begin, end = first * BLOCK_BYTES, min(last * BLOCK_BYTES, self._size)
        for _ in range(ATTEMPTS):
            self._file.seek(begin)
            data = self._file.read(end - begin)
            if _digests_of(data) == list(self._digests[first:last]):
                return begin, data
        raise Damaged(f"bytes {begin:,} to {end:,} are not those written")


def _digests_of(data: bytes) -> list[str]:
    view = memoryview(data)
    return [_digest(view[start : start + BLOCK_BYTES]) for start in range(0, len(data), BLOCK_BYTES)]


def _digest(block: bytes | memoryview) -> str:
    return f"{zlib.crc32(block):0{DIGITS}x}"
