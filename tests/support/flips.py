"""Bytes with one bit flipped."""

from collections.abc import Iterator


def flipped(data: bytes, step: int = 1) -> Iterator[bytes]:
    """Yield `data` with one bit flipped, for every `step`-th of its bits."""
    for bit in range(0, 8 * len(data), step):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)
