"""What is in service after the champion was put back: the servers that are named are asked until all have it."""

import sys
import time
from collections.abc import Sequence

from components.step.errors import ServiceError, one_line
from pipeline.cluster.served import Look, Served

LOOK_SECONDS = 2.0
HOW_IT_FOLLOWS = "A server follows the champion if PAWLINE_SERVE_WATCH is set; restart one that does not."


def wait_until_served(looks: Sequence[Look], digest: str, seconds: float) -> None:
    """Print that every server answers with the bundle `digest`, as soon as that is so.

    Raises:
        ServiceError: after `seconds` one does not.
    """
    print("waiting for the servers", file=sys.stderr)
    end = time.monotonic() + seconds
    while others := _others(seen := _all(looks), digest):
        if time.monotonic() >= end:
            raise _not_served(others, seconds)
        time.sleep(LOOK_SECONDS)
    for served in seen:
        print(f"{served.server}: digest {digest} is in service")


def say_nothing_was_seen() -> None:
    """Print that no server was asked, and what servers do by themselves."""
    print(f"what is in service was not seen: no --server was named. {HOW_IT_FOLLOWS}")


def _all(looks: Sequence[Look]) -> list[Served]:
    return [served for look in looks for served in look()]


def _others(seen: Sequence[Served], digest: str) -> list[Served]:
    return [served for served in seen if served.digest != digest]


def _not_served(others: Sequence[Served], seconds: float) -> ServiceError:
    said = "; ".join(f"{one.server}: {one.problem or f'digest {one_line(one.digest, 80)}'}" for one in others)
    return ServiceError(
        f"The champion put back must be in service within {seconds:g} seconds. Received: {one_line(said, 900)}. "
        f"The registry has it. {HOW_IT_FOLLOWS}"
    )
