"""The environment in which a process of ours finds our code, wherever the user stands."""

import os
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]


def own_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return `environment` for `python -m components...`: our source first, then what its PYTHONPATH names.

    The safe path keeps a folder called components where the user stands from being taken for ours.
    """
    paths = [str(SOURCE), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
