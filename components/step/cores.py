"""The processor cores this process may really use: in a container fewer than the machine has."""

import math
import os
from pathlib import Path

# The container's own control group is mounted here, in version 2 and in version 1 of the kernel's interface.
CONTROL_GROUP = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Return how many cores this process may use, at least 1: affinity and the container's CPU limit counted in."""
    # macOS has no affinity.
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, cpu_limit(CONTROL_GROUP))))


def cpu_limit(group: Path) -> float:
    """Return the CPU limit in cores that the control group mounted at `group` sets, infinite if none.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst, `cpu.max`; and scheduler/sched-bwc.rst for version 1.
    """
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota, period = ((group / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 and int(period) > 0 else math.inf
    except (OSError, ValueError):  # No limit reads as "max"; outside Linux there is no such file.
        return math.inf
