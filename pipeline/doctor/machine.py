"""This machine, where runs are local: packages, disk, memory."""

import os
import shutil
import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from components.step.counts import counted
from pipeline.doctor.finding import Finding, note, well, wrong
from pipeline.doctor.quantities import written
from pipeline.doctor.setup import Setup

SUBJECT = "this machine"
# What a run needs besides what `pawline doctor` itself does.
PACKAGES = ("keras", "onnx", "onnxruntime", "pyarrow", "tensorflow")
LEAST_DISK, LEAST_MEMORY = 2 * 2**30, 3 * 2**30


def check(setup: Setup) -> Iterable[Finding]:
    """Yield whether a run could be made here, where it is no cluster's."""
    if setup.for_cluster:
        return
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        yield wrong(SUBJECT, f"not installed: {', '.join(missing)}", "pip install 'pawline[train]'")
    for place in dict.fromkeys((Path.cwd(), Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(place).free
        if free < LEAST_DISK:
            sentence = f"{place} has {written(free, 'storage')} left, too little for a run"
            yield wrong(SUBJECT, sentence, "Make room, or set TMPDIR to another disk")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if memory < LEAST_MEMORY:
        yield note(SUBJECT, f"it has {written(memory, 'memory')} of memory", "Close other programs while it trains")
    if not missing:
        cores = os.cpu_count() or 1
        yield well(SUBJECT, f"packages are there; {counted(cores, 'core')}, {written(memory, 'memory')} of memory")
