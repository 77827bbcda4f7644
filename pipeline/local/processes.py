"""One command as a process group of its own: its lines as they come, and nothing of it left when it is over."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

GRACE_SECONDS = 5.0
# Isolated and without site packages it starts in 10 ms.
GUARD = (sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")))

OnLine = Callable[[str], None]


def run_process(command: Sequence[str], environment: Mapping[str, str], log: Path, on_line: OnLine) -> int:
    """Run `command`, append what it prints to `log` and give it line by line to `on_line`; return its exit code.

    A process killed by a signal gives 128 + signal, as in a shell. Whatever ends the wait (the command itself, Ctrl-C,
    another exception), its whole process group has ended when this returns, asked with SIGTERM first if it still ran.
    Where this process is killed and returns no more, its guard ends the group.
    """
    errors: list[Exception] = []
    with log.open("ab", buffering=0) as file:
        process = _start(command, environment)
        try:
            reader = threading.Thread(target=_copy_lines, args=(process.stdout, file, on_line, errors), daemon=True)
            reader.start()
            process.wait()
        finally:
            _end_group(process)
            # A process that left the group can hold the pipe open; its output is not waited for.
            reader.join(GRACE_SECONDS)
            if process.stdin:
                process.stdin.close()
    if errors:
        raise errors[0]
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C on the terminal reaches only this process, which then ends the group in order.
    return subprocess.Popen(
        [*GUARD, *command],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _copy_lines(stream: IO[bytes], file: IO[bytes], on_line: OnLine, errors: list[Exception]) -> None:
    for line in stream:
        if errors:
            continue  # Read on: a full pipe would stop the command.
        try:
            file.write(line)
            on_line(line.decode("utf-8", "replace").rstrip("\r\n"))
        except Exception as error:
            errors.append(error)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        # A second Ctrl-C while waiting means: at once.
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt, ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(GRACE_SECONDS)
    # Also when the command ended by itself: a child of it may live on.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
