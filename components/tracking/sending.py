"""The training's side of the sending: starts the process that sends, and waits for it a few seconds at the end."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from components.tracking.queue import Queue, count_unsent, read_state
from components.tracking.sender import REFUSED

SOURCE = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 5.0
# As long as a server takes a model's files and refuses none, their upload is worth this wait; so is making the local
# database, once.
BUSY_SECONDS = 30.0


class Sending:
    """A process that sends a queue; it ends with this one, or when its standard input is closed."""

    def __init__(self, queue: Queue, process: "subprocess.Popen[bytes] | None", said: IO[bytes] | None = None) -> None:
        """Send `queue` by `process`, None if it could not be started, that prints to `said`; see `start_sending`."""
        self._queue, self._process, self._said = queue, process, said

    def finish(self) -> tuple[int, str]:
        """Wait a few seconds for the rest to be sent, end the process; return how many events are left, and why."""
        self._queue.close()
        if self._process is not None:
            self._wait(self._process)
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

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdin:
            with suppress(OSError):
                process.stdin.close()
        began = went_well = time.monotonic()
        while process.poll() is None and (now := time.monotonic()) < min(
            went_well + WAIT_SECONDS, began + BUSY_SECONDS
        ):
            went_well = now if self._is_busy() else went_well
            time.sleep(0.02)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        process.kill()
        process.wait()

    def _is_busy(self) -> bool:
        state = read_state(self._queue.folder, self._queue.key)
        return state.busy and not state.error


def start_sending(queue: Queue, environment: Mapping[str, str]) -> Sending:
    """Start to send `queue` to the MLflow that `environment` names; takes milliseconds."""
    paths = [str(SOURCE), *filter(None, [environment.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "components.tracking", str(queue.folder), "--follow", queue.key]
    try:
        said = tempfile.TemporaryFile()  # noqa: SIM115 - `Sending.refused` closes it.
        process = subprocess.Popen(
            command,
            env={**environment, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"},
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return Sending(queue, None)
    return Sending(queue, process, said)
