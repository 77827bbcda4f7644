"""Pawline's server as it was until its threads had the weight of any other: those of the network at nice +10.

`python -m benchmarks.serve_giving_way` takes what `python -m components.serve` takes (Linux).
"""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.inference import openvino_engine
from components.serve.__main__ import main

compiled = openvino_engine._compiled


def give_way() -> None:
    """Lower the priority of the calling thread, and of those it starts."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def compiled_giving_way(*arguments: Any) -> Any:
    """Compile in a thread that gives way: the network's threads are as patient as the one that starts them."""
    with ThreadPoolExecutor(1, initializer=give_way) as patient:
        return patient.submit(compiled, *arguments).result()


if __name__ == "__main__":
    openvino_engine._compiled = compiled_giving_way
    sys.exit(main())
