"""Imports a function that a user names in a process of its own, and says what it declares: `... FLAG NAME`.

The module may import Keras, which takes seconds and hundreds of megabytes, print, or end the interpreter. What it says
of itself is the one line of JSON on standard output: what it declares, or why it cannot be used.
"""

import json
import os
import sys
from dataclasses import asdict

from components.parameters.own_function import declared_by, find_function
from components.parameters.roles import BACKBONE, ROLES
from components.step.errors import UsageError


def main(flag: str, name: str) -> None:
    """Print what the function called `name` declares in the role of `flag`, or {"refused": why}."""
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What the module prints is not ours.
    try:
        function = find_function(name, role := ROLES[flag])
        found = asdict(declared_by(name, function)) if role is BACKBONE else {}
    except UsageError as error:
        found = {"refused": str(error)}
    print(json.dumps(found), file=said, flush=True)
    os._exit(0)  # Threads that the module may have started are not waited for.


if __name__ == "__main__":
    main(*sys.argv[1:])
