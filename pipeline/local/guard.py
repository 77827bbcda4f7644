"""Runs a command that must not outlive whoever started this: `python guard.py COMMAND...`, standard input a pipe.

The pipe ends however the starter ends, `kill -9` included; then the whole process group, of which this is the leader,
is killed, grandchildren too. Linux could tell the child alone (PR_SET_PDEATHSIG), and macOS could not. Standard library
only: it is run by its path, without anything else of ours.
"""

import os
import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    """Run `command` to its end; return its exit code, 128 + signal where a signal ended it."""
    # Signals are for the command, which ends in its own order; a handler, as what is ignored would be so there too.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    step = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    code = step.wait()
    return code if code >= 0 else 128 - code


def _end_with_the_starter() -> None:
    while os.read(0, 1):
        pass  # Nothing is ever written there.
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    # At once: the reading thread would hold up an orderly end.
    os._exit(main(sys.argv[1:]))
