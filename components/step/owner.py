"""Whose something is: a process by machine, number and start, so that it can be said later whether it still runs."""

import os
import platform
import re
import subprocess
from functools import cache
from pathlib import Path


def this_process() -> str:
    """Return this process as text, `machine~number~start`, which fits into names of files."""
    return _described(os.getpid())


@cache
def _described(number: int) -> str:
    return f"{_machine()}~{number}~{_start_of(number)}"


def _machine() -> str:
    return _plain(platform.node())


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", text)


def is_gone(owner: object) -> bool:
    """Say whether the process `owner`, of `this_process`, has ended for sure; of another machine's nothing is known."""
    machine, number, start = owner.split("~") if isinstance(owner, str) and owner.count("~") == 2 else ("", "", "")
    if machine != _machine() or not re.fullmatch("[1-9][0-9]{0,9}", number):
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # Another user's: it need not be visible whose.
        return False
    return _start_of(int(number)) != start


def _start_of(number: int) -> str:
    """Return when the process began, in whatever form this system says it; "" if it has ended."""
    try:
        # Linux, proc(5): the 22nd field, the 20th behind the name, which may hold spaces and brackets.
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self").exists():
        return ""
    command = ["ps", "-o", "lstart=", "-p", str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return _plain(done.stdout.strip())
