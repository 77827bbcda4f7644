"""Works for an engine, importable on its nodes: they do, or fail in one of the ways there are."""

import os
import time

from components.step.errors import DataError


def doubled(number: int) -> int:
    return 2 * number


def bad_three(number: int) -> int:
    if number == 3:
        raise DataError("A number must not be 3. Received: 3. Take another.")
    return number


def unexpected_three(number: int) -> int:
    if number == 3:
        raise LookupError("nobody thought of this")
    return number


def deadly_three(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


def slow(number: int) -> int:
    time.sleep(0.5)
    return number


def large(number: int) -> bytes:
    return bytes([number]) * 60_000_000
