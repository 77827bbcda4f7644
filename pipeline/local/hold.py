"""Who is at work in a folder, said by a lock that ends with its process however that ends, and leaves no file."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.step.errors import UsageError, one_line

TRIES, PAUSE = 20, 0.01  # Who only looks whether a folder is held holds it for a moment.


@contextmanager
def held_by_a_run(folder: Path) -> Iterator[None]:
    """Hold a run's `folder` against another process that would go on with it, and its parent against `clean`.

    Raises:
        UsageError: another process is at work in `folder`.
    """
    with _locked(folder.parent, fcntl.LOCK_SH), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB) as ours:
        if not ours:
            raise UsageError(
                f"A run is gone on with by one process at a time. Received: {one_line(folder.name, 90)}, which another "
                "one is running. Wait for it, or stop it."
            )
        yield


@contextmanager
def held_alone(runs: Path) -> Iterator[bool]:
    """Hold the folder `runs` so that no run begins there; yields False, and holds nothing, where one is going on."""
    with _locked(runs, fcntl.LOCK_EX | fcntl.LOCK_NB) as ours:
        yield ours


@contextmanager
def held_for_a_moment(folder: Path) -> Iterator[bool]:
    """Hold a run's `folder` if no process is at work in it, without waiting; yields whether it is held."""
    with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB, tries=1) as ours:
        yield ours


@contextmanager
def _locked(folder: Path, kind: int, tries: int = TRIES) -> Iterator[bool]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield any(_taken(descriptor, kind, attempt) for attempt in range(tries))
    finally:
        os.close(descriptor)


def _taken(descriptor: int, kind: int, attempt: int) -> bool:
    if attempt:
        time.sleep(PAUSE)
    try:
        fcntl.flock(descriptor, kind)
    except BlockingIOError:
        return False
    except OSError:  # A file system without locks: nobody is told apart there, and nobody is kept from working.
        return True
    return True
