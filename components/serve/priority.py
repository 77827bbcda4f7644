"""Which threads wait where there is more to do than processors: those of the network, not those that answer."""

import os
import sys
import threading

# A tenth of what another thread gets where both want the same processor, so that a probe does not wait for pictures.
# Python's own threads keep their priority: one that waits for a processor may hold the interpreter meanwhile.
NICER = 10


def give_way() -> None:
    """Let the calling thread, and those it starts from now on, have what other threads leave them."""
    if sys.platform == "linux":  # Elsewhere a priority is a process's.
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICER)
