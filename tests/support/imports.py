"""What the Python processes of a command had imported when they ended."""

import json
from collections import defaultdict
from pathlib import Path

# Python imports a module of this name, wherever it finds it, when it starts.
RECORDER = """
import atexit, json, os, pathlib, sys

def record():
    words = sys.orig_argv
    module = words[words.index("-m") + 1] if "-m" in words else ""
    place = pathlib.Path(__file__).with_name(f"{os.getpid()}.json")
    part = place.with_suffix(".part")  # Some are killed meanwhile.
    part.write_text(json.dumps([module, sorted(name for name in sys.modules if "." not in name)]))
    part.replace(place)

atexit.register(record)
"""


def recorder(folder: Path) -> dict[str, str]:
    """Return the variables by which the Python processes of a command write down, in `folder`, what they import."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(RECORDER)
    return {"PYTHONPATH": str(folder)}


def recorded(folder: Path) -> dict[str, set[str]]:
    """Return what was imported by all processes of `python -m NAME`, by name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in folder.glob("*.json"):
        module, names = json.loads(path.read_text())
        found[module] |= set(names)
    return found
