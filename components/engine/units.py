"""A unit of work done anywhere: what came of it travels as data, so that one that fails leaves the others alone."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.engine.node import Places, check_here
from components.step.errors import DataError, PawlineError, ServiceError, UsageError, one_line
from components.step.secrets import without_secret_values

_KINDS = {kind.__name__: kind for kind in (DataError, ServiceError, UsageError)}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a unit failed: what kind of error it was and its text; one that nobody expected has no `kind`, but a `trace`.

    With `refused` it was not the unit: its worker must not work at all.
    """

    kind: str
    text: str
    trace: str = ""
    refused: bool = False

    def error(self, text: str) -> Exception:
        """Return this failure as an error that says `text`."""
        return _KINDS[self.kind](text) if self.kind else RuntimeError(f"{text}\n{self.trace}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the unit with the number `index`: what the work returned, or why it failed."""

    index: int
    result: Any = None
    failure: Failure | None = None


def attempt(work: Callable[[Any], Any], index: int, unit: Any, facts: dict[str, str], places: Places) -> Outcome:
    """Do `work` on `unit` where this program is the one of `facts` and every object of `places` is seen."""
    try:
        check_here(facts, places)
    except PawlineError as error:
        return Outcome(index, failure=_failure(error, refused=True))
    try:
        return Outcome(index, work(unit))
    except Exception as error:  # Whatever it is, it belongs to whoever asked for the work.
        return Outcome(index, failure=_failure(error))


def _failure(error: Exception, refused: bool = False) -> Failure:
    kinds = (name for name, kind in _KINDS.items() if isinstance(error, kind))
    # Secrets are a worker's own; whoever reads this elsewhere could not tell them.
    text, trace = without_secret_values(str(error)), without_secret_values(traceback.format_exc())
    return Failure(next(kinds, ""), text or one_line(repr(error)), trace, refused)
