"""What a user's own function says of itself, asked early: the module is imported as its step will, elsewhere."""

import functools
import os
import subprocess
import sys
from typing import Any

from components.parameters import own_function_process
from components.parameters.own_function import Declared
from components.parameters.references import check_reference
from components.parameters.roles import BACKBONE, Role
from components.step.errors import UsageError, one_line
from components.step.own_processes import own_environment
from components.step.strict_json import read_json

SECONDS = 120  # TensorFlow takes 5 to import, 30 on a busy machine.


def declared_by_own(name: str) -> Declared | None:
    """Return what the function called `name` declares, None where its module takes too long to be imported.

    Raises:
        UsageError: it cannot be imported, or cannot be one that builds a network.
    """
    said = _asked(name, BACKBONE, os.environ.get("PYTHONPATH", ""), os.getcwd())
    return None if said is None else Declared(**said)


def check_own(name: str, role: Role) -> None:
    """Check that `name` is `module:function` and the function can be imported, and called as `role` says.

    Raises:
        UsageError: it is not, or cannot.
    """
    check_reference(name, role)  # At once, where the module's source says it.
    _asked(name, role, os.environ.get("PYTHONPATH", ""), os.getcwd())


@functools.lru_cache(maxsize=8)  # A sweep asks for every combination.
def _asked(name: str, role: Role, _path: str, _folder: str) -> dict[str, Any] | None:
    command = [sys.executable, "-m", own_function_process.__name__, role.flag, name]
    try:
        done = subprocess.run(
            command, env=own_environment(), capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return None
    said: dict[str, Any] = read_json(done.stdout or b'{"refused": ""}')
    if "refused" not in said:
        return said
    raise UsageError(
        said["refused"]
        or f"{role.called} must be importable. Received: {role.flag} {one_line(name, 120)}, whose module ends Python "
        f"with {done.returncode}. Correct it."
    )
