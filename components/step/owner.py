"""Whose something is: a process by machine, number and start, so that it can be said later whether it still runs."""

import os
import platform
import subprocess
from pathlib import Path


def this_process() -> str:
    """Return this process as text, `machine/number/start`."""
    return f"{platform.node()}/{os.getpid()}/{_start_of(os.getpid())}"


def is_gone(owner: object) -> bool:
    """Say whether the process `owner`, of `this_process`, has ended for sure; of another machine's nothing is known."""
    machine, _, rest = owner.rpartition("/")[0].rpartition("/") if isinstance(owner, str) else ("", "", "")
    if machine != platform.node() or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:  # Another user's.
        pass
    return _start_of(int(rest)) != str(owner).rpartition("/")[2]


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
    return done.stdout.strip().replace("/", "-")
