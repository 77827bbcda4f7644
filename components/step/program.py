"""What this program is: its version, the revision of its source, its code and its image."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from components import VERSION

REVISION, IMAGE = "PAWLINE_SOURCE_REVISION", "PAWLINE_IMAGE"
UNKNOWN = "unknown"
_MOST_CHARACTERS = 512


def program_facts(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what trains here, equal wherever it is equal: no time, no machine, no run.

    `version` is Pawline's, `code` the sha256 over the modules of `components`. `revision`, of the source, is what the
    image was built with, and `image` the one that the pipeline was compiled with; both are `unknown` outside of one.
    """
    return {
        "version": VERSION,
        "revision": _said(environment, REVISION),
        "code": code_digest(),
        "image": _said(environment, IMAGE),
    }


def _said(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    return value if value and value.isprintable() and len(value) <= _MOST_CHARACTERS else UNKNOWN


def code_digest() -> str:
    """Return the sha256 over the modules of `components`: other code, another digest."""
    source = Path(__file__).parents[1]
    files = sorted((path.relative_to(source).as_posix(), path) for path in source.rglob("*.py"))
    content = b"".join(name.encode() + b"\0" + path.read_bytes() + b"\0" for name, path in files)
    return hashlib.sha256(content).hexdigest()
