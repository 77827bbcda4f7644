"""Sentences for log and report on what was left out, merged or changed: which, and how many."""

from collections.abc import Sequence

from components.step.errors import first_ten


def noted(said: str, names: Sequence[str]) -> list[str]:
    """Return one sentence that names the first of `names` and their number, none if there are no names."""
    return [f"{said}: {first_ten(list(names))}."] if names else []
