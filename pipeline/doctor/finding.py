"""What a check finds: one line about one subject, and what to do where something is wrong."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

# `note` is in order and worth knowing; `unchecked` could not be looked at from here.
State = Literal["well", "note", "wrong", "unchecked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about `subject`: a sentence, and advice where something is to be done."""

    subject: str
    state: State
    sentence: str
    advice: str = ""


class NotChecked(Exception):
    """A check cannot be made; the message goes on after "not checked, because"."""


def well(subject: str, sentence: str) -> Finding:
    """Return that `subject` is in order."""
    return Finding(subject, "well", sentence)


def note(subject: str, sentence: str, advice: str = "") -> Finding:
    """Return that `subject` does not keep a run from its end, but should be known."""
    return Finding(subject, "note", sentence, advice)


def wrong(subject: str, sentence: str, advice: str) -> Finding:
    """Return that `subject` would make a run fail, wait for ever, or end well by luck."""
    return Finding(subject, "wrong", sentence, advice)


def unchecked(subject: str, reason: object) -> Finding:
    """Return that `subject` could not be looked at."""
    return Finding(subject, "unchecked", f"not checked, because {reason}")


def of_steps(found: Mapping[str, Finding]) -> Iterator[Finding]:
    """Yield each of the findings of steps, `found` by the steps' names, once, with the names of its steps."""
    for finding in dict.fromkeys(found.values()):
        steps = ", ".join(name for name, each in found.items() if each == finding)
        yield replace(finding, subject=f"{finding.subject} ({steps})")
