"""What a user's own backbone says of itself, asked early: the module is imported as train will, elsewhere."""

import functools
import os
import subprocess
import sys

from components.parameters import own_function_process
from components.parameters.own_function import Declared
from components.step.errors import UsageError, one_line
from components.step.own_processes import own_environment
from components.step.strict_json import read_json

SECONDS = 120  # TensorFlow takes 5 to import, 30 on a busy machine.


def declared_by_own(name: str) -> Declared | None:
    """Return what the function called `name` declares, None where its module takes too long to be imported.

    Raises:
        UsageError: it cannot be imported, or cannot be one that builds a network.
    """
    return _asked(name, os.environ.get("PYTHONPATH", ""), os.getcwd())


@functools.lru_cache(maxsize=8)  # A sweep asks for every combination.
def _asked(name: str, _path: str, _folder: str) -> Declared | None:
    command = [sys.executable, "-m", own_function_process.__name__, name]
    try:
        done = subprocess.run(
            command, env=own_environment(), capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    said = read_json(done.stdout or b'{"refused": ""}')
    if "refused" not in said:
        return Declared(**said)
    raise UsageError(
        said["refused"]
        or f"A backbone must be importable. Received: --backbone {one_line(name, 120)}, whose module ends Python "
        f"with {done.returncode}. Correct it."
    )
