"""What is said of schedules: in words with both clocks, and as JSON."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from components.step.errors import one_line
from pipeline.cluster.recurring_runs import RecurringRun
from pipeline.schedules.cron import trigger_of_kfp
from pipeline.schedules.declared import Schedule
from pipeline.schedules.plan import Change, trigger_text

SIGNS = {"create": "+", "replace": "~", "pause": "~", "resume": "~", "delete": "-", "keep": "=", "leave": "?"}


def fires_words(schedule: Schedule, controller: ZoneInfo, count: int) -> Iterator[str]:
    """Yield what to print of the next `count` times of `schedule`."""
    paused = "" if schedule.enabled else ", paused"
    yield f"{schedule.name}: {schedule.trigger.text} in {schedule.time_zone.key}{paused}"
    yield from (f"  {both_clocks(at, controller)}" for at in _fires(schedule, count))


def fires_as_json(schedule: Schedule, count: int) -> dict[str, Any]:
    """Return the next `count` times of `schedule` for programs."""
    return {
        "name": schedule.name,
        "cron": schedule.trigger.text,
        "kfp": schedule.trigger.as_kfp(),
        "time_zone": schedule.time_zone.key,
        "enabled": schedule.enabled,
        "next": [at.isoformat() for at in _fires(schedule, count)],
    }


def both_clocks(at: datetime, controller: ZoneInfo) -> str:
    """Return the moment `at` on the clock of whoever reads it and on the controller's."""
    here, there = at.astimezone(), at.astimezone(controller)
    return f"{here:%a %d %b %Y %H:%M %Z} here, {there:%a %d %b %H:%M} at the controller ({controller.key})"


def change_words(change: Change, controller: ZoneInfo) -> str:
    """Return the line that says what becomes of one schedule."""
    return f"{SIGNS[change.kind]} {one_line(change.name, 80)}: {_becomes(change, controller)}"


def change_as_json(change: Change) -> dict[str, Any]:
    """Return the same for programs."""
    ids = [run.id for run in change.old]
    return {"name": change.name, "change": change.kind, "differences": list(change.differences), "replaces": ids}


def recurring_words(run: RecurringRun, controller: ZoneInfo) -> dict[str, Any]:
    """Return what a list says of a recurring run on the cluster."""
    state = "enabled" if run.enabled else "paused"
    return {
        "name": one_line(run.name, 80),
        "id": run.id,
        "cron": one_line(trigger_text(run.trigger), 120),
        "state": state,
        "parameters": dict(run.parameters),
        "next": _next_of(run, controller) if run.enabled else None,
    }


def _becomes(change: Change, controller: ZoneInfo) -> str:
    if change.new and change.kind in ("create", "resume", "keep"):
        words = {"create": "new", "resume": "resumed", "keep": "as it is"}[change.kind]
        return f"{words}, {_next(change.new, controller)}"
    differences = one_line("; ".join(change.differences), 600)
    return {
        "replace": f"made anew: {differences}",
        "pause": "paused",
        "delete": f"deleted ({len(change.old)})" if len(change.old) > 1 else "deleted",
        "leave": "not in the file, left alone (--prune deletes it)",
    }[change.kind]


def _next(schedule: Schedule, controller: ZoneInfo) -> str:
    if not schedule.enabled:
        return f"{schedule.trigger.text}, paused"
    return f"{schedule.trigger.text}, next {both_clocks(_fires(schedule, 1)[0], controller)}"


def _next_of(run: RecurringRun, controller: ZoneInfo) -> str:
    """Return when a recurring run fires next, as far as that can be told."""
    cron = (run.trigger.get("cron_schedule") or {}).get("cron")
    if not cron:
        return "after its interval"
    at = next(trigger_of_kfp(str(cron)).fires(datetime.now(UTC), controller), None)
    return both_clocks(at, controller) if at else "never"


def _fires(schedule: Schedule, count: int) -> list[datetime]:
    return list(islice(schedule.trigger.fires(datetime.now(UTC), schedule.time_zone), count))
