"""What a node of a cluster is asked before it works: has it the same program, and does it see the same stores."""

import functools
import platform
import socket
from importlib.metadata import PackageNotFoundError, version

from components.step.errors import ServiceError, UsageError, one_line
from components.step.program import code_digest
from components.storage.store import Store
from components.storage.stores import open_store

# Of which results depend on the version: what decodes, computes and writes.
LIBRARIES = ("numpy", "onnxruntime", "pillow", "pyarrow")
# URI of a store and the name of an object that is there.
Places = tuple[tuple[str, str], ...]


@functools.cache
def program_here() -> dict[str, str]:
    """Return what decides the results of this program on equal processors: its code, Python and libraries."""
    return {"code": code_digest()[:12], "Python": platform.python_version()} | {
        name: _version(name) for name in LIBRARIES
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def check_here(facts: dict[str, str], places: Places) -> None:
    """Check that this process has the program of `facts` and sees each object of `places`.

    Raises:
        UsageError: it has another program.
        ServiceError: an object is not seen from here, or its store does not answer.
    """
    here = program_here()
    if others := [f"{name} {here[name]} instead of {facts[name]}" for name in facts if here.get(name) != facts[name]]:
        raise UsageError(
            "The workers of a Ray cluster must have the code and libraries of the step. "
            f"Received: {', '.join(others)} on {socket.gethostname()}. Use one image for the step and the cluster."
        )
    for uri, name in places:
        _check_seen(uri, name)


@functools.cache
def _check_seen(uri: str, name: str) -> None:
    """Check it once a process: a store that vanishes later is named by whoever reads it."""
    if not _sees(open_store(uri), name):
        raise ServiceError(
            "The workers of a Ray cluster must reach the same stores as the step. "
            f"Received: no {one_line(name)} in {one_line(uri)} as seen from {socket.gethostname()}. "
            "Use s3:// addresses, or a volume that all of them have."
        )


def _sees(store: Store, name: str) -> bool:
    return store.exists(name)
