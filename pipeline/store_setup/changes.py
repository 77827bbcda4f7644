"""What is to be done to a store: each thing with what is said of it, all of them known before the first is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from components.step.errors import PawlineError

Kind = Literal["create", "replace", "keep", "leave"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing called `name`: `said` is what becomes of it, `do` makes it so; without `do` nothing is to be done."""

    kind: Kind
    name: str
    said: str
    do: Callable[[], None] | None = None

    def as_json(self) -> dict[str, str]:
        """Return it for programs."""
        return {"change": self.kind, "name": self.name, "said": self.said}


def carry_out(changes: Sequence[Change]) -> None:
    """Do what is to be done, in this order.

    Raises:
        PawlineError: of the first that fails, with what was done before and what was not.
    """
    waiting = [change for change in changes if change.do]
    done: list[str] = []
    while waiting:
        try:
            if waiting[0].do:
                waiting[0].do()
        except PawlineError as error:
            left = ", ".join(change.name for change in waiting)
            raise type(error)(f"{error} Done: {', '.join(done) or 'nothing'}. Not done: {left}.") from error
        done.append(waiting.pop(0).name)
