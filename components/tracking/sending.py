"""The training's side of the sending: starts the process that sends, and waits for it a few seconds at the end."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from components.step.own_processes import own_environment
from components.tracking.queue import Queue, count_unsent, read_state
from components.tracking.sender import REFUSED

Progress = tuple[int, bool]

# What a slow or absent MLflow may cost, together with the second in which the process that sends is ended.
WAIT_SECONDS = 4.0
# An MLflow that answers within this time is a good one, for which it is worth to wait longer; so are imports, and
# making the local database, once.
WELL_SECONDS, LONGEST_SECONDS = 1.0, 30.0


class Sending:
    """A process that sends a queue; it ends with this one, or when its standard input is closed."""

    def __init__(self, queue: Queue, process: "subprocess.Popen[bytes] | None", said: IO[bytes] | None = None) -> None:
        """Send `queue` by `process`, None if it could not be started, that prints to `said`; see `start_sending`."""
        self._queue, self._process, self._said = queue, process, said

    def finish(self) -> tuple[int, str]:
        """Wait a few seconds for the rest to be sent, end the process; return how many events are left, and why."""
        self._queue.close()
        if self._process is not None:
            _close_input(self._process)
            wait_while_well(self._process, self._progress)
        return self._left()

    def leave(self) -> tuple[int, str]:
        """End the process without waiting; return how many events are left, and why."""
        self._queue.close()
        if self._process is not None:
            _close_input(self._process)
            _end(self._process, 0.3)
        return self._left()

    def _left(self) -> tuple[int, str]:
        state = read_state(self._queue.folder, self._queue.key)
        return count_unsent(self._queue.folder, self._queue.key), state.error

    def refused(self) -> list[str]:
        """Return why MLflow refused events for good, once for each; after `finish`."""
        if self._said is None:
            return []
        with self._said as file:
            file.seek(0)
            lines = file.read().decode("utf-8", "replace").splitlines()
        return [line.removeprefix(REFUSED) for line in lines if line.startswith(REFUSED)]

    def _progress(self) -> Progress:
        return progress(self._queue.folder, [self._queue.key])


def progress(folder: Path, keys: Iterable[str]) -> Progress:
    """Return how far the queues `keys` in `folder` are sent, and whether the sender is busy with something else."""
    states = [read_state(folder, key) for key in keys]
    return sum(state.sent + state.beats for state in states), any(state.busy and not state.error for state in states)


def wait_while_well(
    process: "subprocess.Popen[Any]", progress: Callable[[], Progress], longest: float = LONGEST_SECONDS
) -> None:
    """Wait for `process` to send everything, WAIT_SECONDS long, and on to `longest` while it goes well; end it."""
    began = went_well = time.monotonic()
    reached: int | None = None
    try:
        while process.poll() is None:
            sent, busy = progress()
            now = time.monotonic()
            if busy or sent != reached:
                reached, went_well = sent, now
            if now > began + WAIT_SECONDS and (now > went_well + WELL_SECONDS or now > began + longest):
                break
            time.sleep(0.02)
    finally:
        _end(process)


def _close_input(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()


def _end(process: "subprocess.Popen[Any]", grace: float = 1.0) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace)
    process.kill()
    process.wait()


def start_sending(queue: Queue, environment: Mapping[str, str]) -> Sending:
    """Start to send `queue` to the MLflow that `environment` names; takes milliseconds."""
    command = [sys.executable, "-m", "components.tracking", str(queue.folder), "--follow", queue.key]
    try:
        said = tempfile.TemporaryFile()  # noqa: SIM115 - `Sending.refused` closes it.
        process = subprocess.Popen(
            command,
            env=own_environment(environment),
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return Sending(queue, None)
    return Sending(queue, process, said)
