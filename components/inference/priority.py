"""Which threads wait where there is more to do than processors: those of the network, not those that answer."""

import os
import sys
import threading
from contextlib import suppress

# A tenth of what another thread gets where both want the same processor, so that a probe does not wait for pictures.
NICER = 10


def give_way() -> None:
    """Let the calling thread, and those it starts from now on, have what other threads leave them.

    Not for threads that run Python for long: one that waits for a processor may hold the interpreter meanwhile.
    """
    if sys.platform == "linux":  # Elsewhere a priority is a process's.
        thread = threading.get_native_id()
        with suppress(OSError):  # Forbidden by whoever runs us: then all are equal.
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICER)
