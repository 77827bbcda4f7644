"""What doctor says of a world of which one thing is broken."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import pytest

from tests.support.doctors_world import World


class Broken(NamedTuple):
    """What is broken, the subjects of all that is wrong then, and what one of them says."""

    breaks: Callable[[World], Any]
    subjects: tuple[str, ...]
    says: str


def cases(table: Mapping[str, Broken]) -> Any:
    """Return the mark that gives a test each case of `table` as `broken`."""
    return pytest.mark.parametrize("broken", [pytest.param(case, id=name) for name, case in table.items()])


def check_named(world: World, broken: Broken, without: Collection[str] = ()) -> None:
    """Check that doctor names the cause, with advice, and no other; `without` are checks that see nothing of it."""
    broken.breaks(world)
    wrong = {found.subject.partition(" 127.")[0]: found for found in world.examine(without) if found.state == "wrong"}
    assert sorted(wrong) == sorted(broken.subjects), wrong
    assert any(broken.says in found.sentence for found in wrong.values()), wrong
    assert all(found.advice for found in wrong.values())
