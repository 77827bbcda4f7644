"""Whose something is: known to be gone only where that is sure."""

import os
import subprocess
import sys
import time

import pytest

from components.step.owner import is_gone, this_process
from tests.support.patience import PATIENCE


def owner_of_another() -> tuple[str, "subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    machine, number, _ = this_process().split("~")
    assert number == str(os.getpid())
    code = f"from components.step.owner import _start_of; print(_start_of({process.pid}))"
    start = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    return f"{machine}~{process.pid}~{start}", process


def test_a_process_is_gone_when_it_is_killed_even_where_nobody_has_asked_how_it_ended() -> None:
    owner, process = owner_of_another()
    assert not is_gone(this_process())
    assert not is_gone(owner)
    process.kill()
    until = time.monotonic() + PATIENCE
    while not is_gone(owner) and time.monotonic() < until:
        time.sleep(0.01)
    assert is_gone(owner)
    process.wait()
    assert is_gone(owner)


def test_another_process_under_the_same_number_is_not_taken_for_it() -> None:
    assert is_gone(this_process().rpartition("~")[0] + "~another start")


@pytest.mark.parametrize("owner", [None, 3, "", "x", "elsewhere~1~2", "a~b~c", "~~", "~1~", "~" * 9])
def test_nothing_is_said_of_what_cannot_be_known(owner: object) -> None:
    assert not is_gone(owner)
