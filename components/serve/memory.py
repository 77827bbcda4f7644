"""Memory of large pictures goes back to the system as soon as they are done."""

import contextlib
import ctypes

# Source: glibc's malloc.h and mallopt(3). By itself glibc raises the threshold to the largest block ever freed, up to
# 32 MiB, and then keeps such blocks: a picture of 14 megapixels left 100 MiB behind for good.
_M_MMAP_THRESHOLD = -3
LARGE_BLOCK = 4 << 20


def return_large_blocks() -> None:
    """Let blocks of LARGE_BLOCK bytes and more be returned when they are freed; call before there are threads."""
    with contextlib.suppress(OSError, AttributeError):  # Another C library than glibc has no mallopt, nor its habit.
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)
