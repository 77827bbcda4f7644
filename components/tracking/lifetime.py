"""A tracked run from its beginning to its end, however the block within ends."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from components.tracking.tracker import Status, TrackedDataset, Tracker


@contextmanager
def begun(
    tracker: Tracker,
    run_name: str,
    parameters: Mapping[str, object],
    dataset: TrackedDataset,
    tags: Mapping[str, str] | None = None,
) -> Iterator[Tracker]:
    """Yield `tracker` with its run begun; it is told how the block ended."""
    tracker.start(run_name, parameters, tags or {}, dataset)
    status: Status = "FAILED"
    try:
        yield tracker
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        tracker.finish(status)


def attempt_key(parameters: Mapping[str, object], files: Iterable[Path]) -> str:
    """Return the same key for every attempt at the same work, so that a retried one goes on with its run."""
    digest = hashlib.sha256(repr(sorted(parameters.items())).encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
