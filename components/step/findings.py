"""What a check of something of the user's finds, rule by rule."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from components.step.errors import PawlineError, UsageError, one_line


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule of a check: whether it is kept, and what was found."""

    rule: str
    kept: bool
    found: str


def finding(name: str, rule: Callable[[], str]) -> Finding:
    """Return what the rule called `name` finds; it is broken if it raises, whatever it raises."""
    try:
        return Finding(name, True, rule())
    except PawlineError as error:
        return Finding(name, False, str(error))
    except Exception as error:  # What is the user's can fail in any way; the other rules are still of interest.
        return Finding(name, False, f"{type(error).__name__}: {one_line(error)}")


def findings(rules: Mapping[str, Callable[[], str]]) -> Iterable[Finding]:
    """Yield what each of `rules` finds, as it is found."""
    return (finding(name, rule) for name, rule in rules.items())


def check_all_kept(called: str, given: str, found: Iterable[Finding]) -> None:
    """Check that every rule is kept; `called` is what it is about in a sentence, `given` how it was named.

    Raises:
        UsageError: one is broken; the first is told.
    """
    for one in found:
        if not one.kept:
            raise UsageError(
                f"{called} must keep every rule. Received: {given}: {one.rule}: {one_line(one.found, 300)}. Correct it."
            )
