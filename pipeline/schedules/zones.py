"""Time zones by the names that people write."""

from zoneinfo import ZoneInfo, available_timezones

from components.step.errors import UsageError, one_line
from components.step.nearest import did_you_mean, nearest

USUAL = "Europe/Paris"


def read_zone(text: str, what: str, where: str = "") -> ZoneInfo:
    """Return the zone called `text`; `what` says whose it is and `where` where it stands, for messages.

    Raises:
        UsageError: there is none.
    """
    try:
        return ZoneInfo(text)
    except (ValueError, LookupError, OSError) as error:  # An unsafe name, an unknown one, a folder of zones.
        at = f" at {where}" if where else ""
        raise UsageError(
            f"{what} must be a name of the IANA database such as {USUAL} or UTC. "
            f"Received: {one_line(repr(text), 90)}{at}. {did_you_mean(text, sorted(available_timezones()))}Correct it."
        ) from error


def likely_zone(text: str) -> str:
    """Return the name of a zone that `text` may stand for: itself, the nearest, or a usual one."""
    zones = sorted(available_timezones())
    return text if text in zones else next(iter(nearest(text, zones)), USUAL)
