"""A schedule's time as everyone writes it, five cron fields, and as KFP reads it, with a field of seconds before them.

KFP takes five fields without a word and shifts them: `30 2 * * 1` is second 30 of minute 2 of each hour in January.
It reads cron by robfig/cron v1.2.0; what is written for it here means the same to that, to Vixie's cron and to cronsim.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from components.step.errors import UsageError, one_line
from pipeline.schedules.zones import likely_zone

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NICKNAMES: Mapping[str, str] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
LONGEST_WAIT = 5  # Years after which robfig/cron gives up, and never fires again.
SHORTEST_INTERVAL = 60  # Seconds; the controller looks twice in that time.
ITEM = re.compile(r"(?P<first>\*|[a-z]{3}|\d{1,2})(-(?P<last>[a-z]{3}|\d{1,2}))?(/(?P<step>\d{1,2}))?", re.ASCII)
EVERY = re.compile(r"@every +(?=\d)((?P<hours>\d{1,5})h)?((?P<minutes>\d{1,5})m)?((?P<seconds>\d{1,7})s)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One of the five: its name, its lowest and highest number, and the names of numbers from the lowest on."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()


WEEKDAY = Field("day of week", 0, 7, DAYS)  # 0 and 7 are Sunday.
FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, MONTHS),
    WEEKDAY,
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a schedule fires: `text` as it was written, and what KFP is given: six fields, or an interval in seconds."""

    text: str
    six_fields: str = ""
    interval: int = 0

    def as_kfp(self) -> dict[str, Any]:
        """Return the trigger of a recurring run as the KFP API takes it."""
        if self.interval:
            return {"periodic_schedule": {"interval_second": str(self.interval)}}
        return {"cron_schedule": {"cron": self.six_fields}}

    def fires(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Yield when it fires after `after`, on the clock of `zone`, as the controller does.

        What the clock skips in spring is skipped, what it repeats in autumn comes twice. An interval counts from
        `after`. Nothing is yielded where the next time is more than five years away. In the few zones whose clock
        changes at midnight (Cairo, Havana) robfig/cron may leave out days after the change; this does not foretell it.
        """
        return self._intervals(after, zone) if self.interval else self._times(after, zone)

    def _intervals(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        at = after.astimezone(UTC)
        while True:
            at += timedelta(seconds=self.interval)
            yield at.astimezone(zone)

    def _times(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        from cronsim import CronSim, CronSimError

        try:
            # Six fields, as the five would get the exceptions of Debian's cron around a change of the clock.
            times = CronSim(self.six_fields, after.astimezone(zone))
        except CronSimError:  # 30 February, which is legal and never comes.
            return
        last = after
        for at in times:
            if at.year > last.astimezone(zone).year + LONGEST_WAIT:
                return
            yield at
            last = at


def parse_trigger(text: str, where: str = "") -> Trigger:
    """Return the trigger that `text` is: five cron fields, `@daily` and its like, or `@every 6h`.

    `where` says where it stands, for messages.

    Raises:
        UsageError: it is none of these.
    """
    words = text.split()
    if words[:1] == ["@every"]:
        return Trigger(text, interval=_interval(text, where))
    fields = NICKNAMES.get(text.strip().lower(), text).split()
    if len(fields) != len(FIELDS):
        raise _miscounted(text, fields, where)
    pairs = zip(FIELDS, fields, strict=True)
    return Trigger(text, " ".join(["0", *(_for_kfp(field, written, text, where) for field, written in pairs)]))


def trigger_of_kfp(cron: str) -> Trigger:
    """Return the trigger that KFP reads in `cron`: seconds first, and any day of the week where that is left out.

    Raises:
        UsageError: it is a nickname that KFP does not know.
    """
    fields = cron.split()
    if cron.startswith("@"):
        return parse_trigger(cron)
    return Trigger(cron, " ".join(fields + ["*"] * (len(fields) == len(FIELDS))))


def five_fields(six_fields: str) -> str:
    """Return KFP's cron with seconds as five fields, or as it is where it fires at other seconds than 0."""
    fields = six_fields.split()
    return " ".join(fields[1:]) if len(fields) == len(FIELDS) + 1 and fields[0] in ("0", "00") else six_fields


def _for_kfp(field: Field, written: str, text: str, where: str) -> str:
    """Return one field so that whoever reads it understands the same; what all understand alike stays as it is."""
    items = []
    for place, item in enumerate(written.lower().split(",")):
        numbers = _numbers(field, item, text, where)
        items.append(item if _is_clear(field, item, numbers, place) else ",".join(map(str, numbers)))
    return ",".join(items)


def _is_clear(field: Field, item: str, numbers: list[int], place: int) -> bool:
    if item.startswith("*"):
        return place == 0  # Elsewhere, one reader takes the list for a star and another doesn't.
    if "/" in item and (field is WEEKDAY or len(numbers) == 1):
        return False  # `5-5/2` and `3/2` end where they begin, on Saturday or on Sunday.
    return not (field is WEEKDAY and "7" in item)


def _numbers(field: Field, item: str, text: str, where: str) -> list[int]:
    found = ITEM.fullmatch(item)
    if not found or (found["first"] == "*" and found["last"]):
        raise _illegal(field, item, text, where)
    first, last = _ends(field, item, found)
    step = int(found["step"] or 1)
    if not field.lowest <= first <= last <= field.highest or step == 0:
        raise _illegal(field, item, text, where)
    numbers = range(first, last + 1, step)
    return sorted({number % len(DAYS) for number in numbers}) if field is WEEKDAY else list(numbers)


def _ends(field: Field, item: str, found: re.Match[str]) -> tuple[int, int]:
    # A star or an open step goes no further than Saturday: Sunday is 0 already.
    highest = field.highest - (field is WEEKDAY)
    if found["first"] == "*":
        return field.lowest, highest
    first = _number(field, found["first"])
    if found["last"]:
        return first, _number(field, found["last"])
    return first, max(first, highest) if found["step"] else first


def _number(field: Field, word: str) -> int:
    """Return the number that `word` is or names; one that no field has where it is no name of this one's."""
    if word in field.names:
        return field.lowest + field.names.index(word)
    return int(word) if word.isdigit() else -1


def _interval(text: str, where: str) -> int:
    found = EVERY.fullmatch(text.strip())
    parts = {name: int(number) for name, number in found.groupdict().items() if number} if found else {}
    seconds = int(timedelta(**parts).total_seconds())
    if seconds < SHORTEST_INTERVAL:
        raise UsageError(
            f"@every takes hours, minutes and seconds, a minute at least. Received: {_shown(text, where)}. "
            "Write for instance @every 6h or @every 1h30m."
        )
    return seconds


def _miscounted(text: str, fields: list[str], where: str) -> UsageError:
    rule = "A schedule's cron has five fields: minute, hour, day of month, month, day of week"
    if fields and fields[0].partition("=")[0].upper() in ("TZ", "CRON_TZ"):
        advice = f"Write the time zone beside it: time_zone: {likely_zone(fields[0].partition('=')[2])}"
    elif five := _without_seconds(fields):
        advice = f'Leave out the seconds: "{five}"'
    else:
        advice = 'Write for instance "30 2 * * 1" (Mondays at 02:30), @daily or @every 6h'
    return UsageError(f"{rule}. Received: {_shown(text, where)}, which has {len(fields)}. {advice}.")


def _without_seconds(fields: list[str]) -> str:
    """Return six `fields` that begin with seconds as five that are legal, "" where they cannot be."""
    five = " ".join(fields[1:]).replace("?", "*")  # Quartz's word for any day.
    is_of_quartz = "?" in fields and any(character.isdigit() for character in fields[-1])  # Sunday is 1 there.
    try:
        return parse_trigger(five).text if len(fields) == len(FIELDS) + 1 and not is_of_quartz else ""
    except UsageError:
        return ""


def _illegal(field: Field, item: str, text: str, where: str) -> UsageError:
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    advice = "Write * for it" if item == "?" else "Correct it"
    return UsageError(
        f"The {field.name} of a cron is {field.lowest} to {field.highest}{names}, as *, 5, 1-5, 1,3 or */2. "
        f"Received: {one_line(item, 40)!r} in {_shown(text, where)}. {advice}."
    )


def _shown(text: str, where: str) -> str:
    return f'"{one_line(text, 120)}"' + (f" at {where}" if where else "")
