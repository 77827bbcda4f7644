"""How long a run has gone on since its record was last written, or went on until it was killed."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.local.record import RECORD


def unrecorded_seconds(folder: Path, step: str, goes_on: bool) -> float:
    """Return the seconds that the run in `folder` took with its running `step` beyond those in its record.

    Of a killed run they end with the last that the step wrote: its log has a line every few seconds.
    """
    with suppress(OSError):
        written = (folder / RECORD).stat().st_mtime
        until = time.time() if goes_on else max(_times(folder / step), default=written)
        return max(0.0, until - written)
    return 0.0


def _times(place: Path) -> Iterator[float]:
    for path in place.rglob("*"):
        with suppress(OSError):
            yield path.lstat().st_mtime
