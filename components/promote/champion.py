"""Who is champion: the alias moved so that overlapping runs agree on one, and moved back by a rollback.

MLflow moves an alias without comparing it first, so two runs could each put theirs over the other's. What it does do is
number the versions, one after another. A run that promotes makes a version that says which champion it `replaces`: of
all that claim the same champion's place, the lowest number has it. Every run sees the same lowest number, as a version
exists before a higher number is given. A run that finds another's claim before its own puts the alias there itself, so
that a run killed half-way holds up nobody.

Such a claim must not win later, over what was compared after it. So a run takes down the claims that are open when it
looks up the champion; those that are still open when it makes its own version are of runs killed since long ago, and
its version `sets_aside` them from the beginning on: a claim that a higher number sets aside has no place in the order.
Even if such a run was only asleep all follow this, as it looks again after it has moved the alias.
"""

from collections.abc import Sequence
from typing import Protocol

from components.registry.version import Version
from components.step.errors import DataError, ServiceError

STATE, REPLACES, SETS_ASIDE = "state", "replaces", "sets_aside"
# What became of a version: nothing yet, champion, overtaken by another, put back by a person.
CLAIMED, PROMOTED, WITHDRAWN, ROLLED_BACK = "claimed", "promoted", "withdrawn", "rolled back"


class Aliases(Protocol):
    """What of the registry the protocol needs."""

    def champion_number(self) -> str:
        """Return the champion's number, "" if there is none."""

    def version(self, number: str) -> Version | None:
        """Return a version, None if there is none."""

    def versions(self) -> list[Version]:
        """Return every version, the oldest first."""

    def set_champion(self, number: str) -> None:
        """Move the alias."""

    def set_tag(self, number: str, name: str, value: str) -> None:
        """Set a version's tag."""


def open_claims(registry: Aliases, champion: str) -> list[str]:
    """Return the versions that claim the place of the version `champion` and are not done, the oldest first."""
    return [version.number for version in _in_order(registry.versions(), champion, [CLAIMED])]


def claim_tags(champion: str, sets_aside: Sequence[str] = ()) -> dict[str, str]:
    """Return the tags of a new version that is to replace the version `champion`, "" where there is none.

    `sets_aside` are claims of killed runs: open before `champion` was looked up, and now.
    """
    return {STATE: CLAIMED, REPLACES: champion} | ({SETS_ASIDE: " ".join(sets_aside)} if sets_aside else {})


def make_champion(registry: Aliases, mine: Version) -> str:
    """Make `mine`, a version with `claim_tags`, the champion, or yield to the run that was faster.

    Returns:
        The champion's number, which is another's if that run was faster.

    Raises:
        ServiceError: the registry does not answer.
    """
    places = [mine.tag(REPLACES), *_set_aside_by(mine)]
    for killed in _set_aside_by(mine):
        registry.set_tag(killed, STATE, WITHDRAWN)
    # The claims first, then the alias: whoever marks a claim as done has moved the alias before.
    claims = [version.number for version in _in_order(registry.versions(), places[0], [CLAIMED])]
    current = registry.champion_number()
    if mine.number not in claims:  # Another run has finished this one's work.
        return current
    if current == mine.number:  # It is about to.
        registry.set_tag(mine.number, STATE, PROMOTED)
        return current
    number = _finished(registry, claims[0]) if current in places else current
    if claims[0] != mine.number or current not in places:
        registry.set_tag(mine.number, STATE, WITHDRAWN if number != mine.number else PROMOTED)
    return number


def _finished(registry: Aliases, number: str) -> str:
    """Put the alias on `number`; return the champion after that.

    That is another if this run was so late that `number` had been replaced or set aside; then that is put right.
    """
    registry.set_champion(number)
    registry.set_tag(number, STATE, PROMOTED)
    while later := _later(registry.versions(), number):
        number = later
        registry.set_champion(number)
    return number


def _later(versions: Sequence[Version], number: str) -> str:
    """Return the version that has come to the place of `number` since, "" if none has."""
    if number not in _set_aside(versions):
        replacing = [v.number for v in versions if v.tag(STATE) == PROMOTED and v.tag(REPLACES) == number]
        return replacing[-1] if replacing else ""
    place = next(version.tag(REPLACES) for version in versions if version.number == number)
    others = [v.number for v in _in_order(versions, place, (CLAIMED, PROMOTED)) if int(v.number) > int(number)]
    return others[0] if others else ""


def _in_order(versions: Sequence[Version], place: str, states: Sequence[str]) -> list[Version]:
    """Return those that claim `place`, without those set aside; the first one has it."""
    set_aside = _set_aside(versions)
    claiming = [v for v in versions if v.tag(REPLACES) == place and v.tag(STATE) in states]
    return [version for version in claiming if version.number not in set_aside]


def _set_aside(versions: Sequence[Version]) -> set[str]:
    return {number for version in versions for number in _set_aside_by(version)}


def _set_aside_by(version: Version) -> list[str]:
    return version.tag(SETS_ASIDE).split()


def roll_back(registry: Aliases, champion: Version) -> Version:
    """Put the alias back on the version that `champion` replaced; return that.

    Raises:
        DataError: `champion` replaced nothing, or what it replaced was deleted.
        ServiceError: the registry does not answer, or another moved the alias meanwhile.
    """
    previous = previous_of(registry, champion)
    # Marked first: killed in between, the next rollback does the rest, and no run promotes the same bundle again.
    registry.set_tag(champion.number, STATE, ROLLED_BACK)
    registry.set_champion(previous.number)
    if (current := registry.champion_number()) != previous.number:
        raise ServiceError(
            f"The champion must stay as it was set. Received: version {current}, not {previous.number}: another run "
            "promoted at the same time. Look at the registry and roll back again."
        )
    return previous


def previous_of(registry: Aliases, champion: Version) -> Version:
    """Return the version that `champion` replaced.

    Raises:
        DataError: it replaced nothing, or what it replaced was deleted.
    """
    if previous := registry.version(champion.tag(REPLACES)):
        return previous
    raise DataError(
        "There must be an earlier champion to go back to. "
        f"Received: version {champion.number}, which replaced {champion.tag(REPLACES) or 'none'}. "
        "Promote another bundle instead."
    )


def rolled_back(registry: Aliases, digest: str) -> str:
    """Return the number of a version that was rolled back and has the bundle `digest`, "" if there is none."""
    found = [v.number for v in registry.versions() if v.tag(STATE) == ROLLED_BACK and v.tag("digest") == digest]
    return found[-1] if found else ""
