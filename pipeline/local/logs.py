"""What the steps of a local run have said, from their logs; while the run goes on, as it comes."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from components.step.errors import DataError, ServiceError, UsageError, one_line
from components.step.nearest import did_you_mean
from pipeline.local.record import RunRecord
from pipeline.local.recorded import read_record

LOG = "log.txt"
PAUSE = 0.2  # Seconds between two looks at a log that grows.
GOES_ON = ("waiting", "running")


def local_lines(folder: Path, step: str | None, follow: bool) -> Iterator[str]:
    """Yield the lines of the run in `folder`, of `step` or of all that have begun; `follow` waits for those to come.

    Raises:
        UsageError: there is no such step.
        DataError: it has not begun, or the record is damaged.
        ServiceError: a log cannot be read.
    """
    record = read_record(folder)
    names = [state.name for state in record.steps]
    for name in asked_for(step, names):
        path = _place(record, name)
        if path.is_file() or (follow and _begins(folder, path, name)):
            yield from _lines(folder, path, name, follow)
        elif step:
            raise DataError(f"A step must have begun to have a log. Received: {name} of {one_line(folder.name, 90)}.")


def asked_for(step: str | None, names: Sequence[str]) -> Sequence[str]:
    """Return the steps whose lines are asked for: `step`, or all of the run's `names`.

    Raises:
        UsageError: there is no such step.
    """
    if step is not None and step not in names:
        hint = did_you_mean(step, names)
        raise UsageError(f"A step must be the run's. Received: {one_line(step, 60)}. {hint}It has: {', '.join(names)}.")
    return [step] if step else names


def _place(record: RunRecord, name: str) -> Path:
    origin = next(state.reused_from for state in record.steps if state.name == name)
    return (record.folder.parent / origin if origin else record.folder) / name / LOG


def _begins(folder: Path, path: Path, name: str) -> bool:
    """Wait until the step's log is there; tell whether it is, or the run has ended without it."""
    while not path.is_file():
        if not _goes_on(folder, name):
            return path.is_file()
        time.sleep(PAUSE)
    return True


def _lines(folder: Path, path: Path, name: str, follow: bool) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            while True:
                over = not follow or not _goes_on(folder, name)  # Before the last look, so that nothing is left out.
                yield from _whole_lines(file, over)
                if over:
                    return
                time.sleep(PAUSE)
    except OSError as error:
        raise ServiceError(f"A log must be readable. Received: {one_line(path)}: {error.strerror}.") from error


def _whole_lines(file: TextIO, over: bool) -> Iterator[str]:
    """Yield the lines that `file` has now; one without its end waits for it unless nothing more comes."""
    while True:
        start = file.tell()
        line = file.readline()
        if not line.endswith("\n") and not over:
            file.seek(start)
            return
        if not line:
            return
        yield line.rstrip("\r\n")


def _goes_on(folder: Path, name: str) -> bool:
    record = read_record(folder)
    state = next(state.status for state in record.steps if state.name == name)
    return record.status in GOES_ON and state in GOES_ON
