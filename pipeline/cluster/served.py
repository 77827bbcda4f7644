"""What a server of a model serves, as far as it is seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Served:
    """The digest of the bundle that `server` serves, or the `problem` because of which it is not known."""

    server: str
    digest: str = ""
    problem: str = ""


# Looks at every server that one name stands for, of which there is at least one.
Look = Callable[[], Sequence[Served]]
