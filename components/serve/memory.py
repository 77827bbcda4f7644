"""Memory of large pictures goes back to the system as soon as they are done; what stays is not looked at again."""

import contextlib
import ctypes
import gc

# Source: glibc's malloc.h and mallopt(3). By itself glibc raises the threshold to the largest block ever freed, up to
# 32 MiB, and then keeps such blocks: a picture of 14 megapixels left 100 MiB behind for good.
_M_MMAP_THRESHOLD = -3
LARGE_BLOCK = 4 << 20
# Once told the threshold, glibc also returns what is free beyond 128 KiB each time something is freed: the buffers of
# every picture, which the system then clears again for the next one.
_M_TRIM_THRESHOLD = -1
KEPT = 16 << 20


def return_large_blocks() -> None:
    """Let blocks of LARGE_BLOCK bytes and more be returned when they are freed; call before there are threads."""
    with contextlib.suppress(OSError, AttributeError):  # Another C library than glibc has no mallopt, nor its habit.
        c_library = ctypes.CDLL(None)
        c_library.mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)
        c_library.mallopt(_M_TRIM_THRESHOLD, KEPT)


def spare_garbage_collector() -> None:
    """Let Python's garbage collector leave alone what there is by now, and look less often at what comes.

    Requests leave few cycles behind. What is garbage by now stays: to look for it would hold the server up.
    """
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
