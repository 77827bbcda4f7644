"""Whose clock a schedule goes by: KFP fires all by its controller's, whatever a schedule would like."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from components.step.errors import UsageError
from pipeline.schedules.declared import Schedule, ScheduleFile

YEARS_COMPARED = 3
STEP = timedelta(hours=3)  # No clock is changed and changed back within it.


def check_clocks(file: ScheduleFile) -> None:
    """Check that each schedule's clock shows the same as the controller's, the year round.

    Raises:
        UsageError: one shows another time; an interval needs no clock.
    """
    for schedule in file.schedules:
        controller = file.controller_time_zone
        if not schedule.trigger.interval and not _show_the_same(schedule.time_zone, controller):
            raise _refusal(schedule, controller)


def _refusal(schedule: Schedule, controller: ZoneInfo) -> UsageError:
    zone = schedule.time_zone.key
    return UsageError(
        f"KFP fires every schedule by its controller's clock. Received: {schedule.name} with time_zone {zone}, and "
        f"controller_time_zone {controller.key}. Set CRON_SCHEDULE_TIMEZONE of the controller (cronScheduleTimezone on "
        f"OpenShift AI) to {zone} and controller_time_zone too, or write the cron in {controller.key}."
    )


def _show_the_same(one: ZoneInfo, other: ZoneInfo) -> bool:
    if one.key == other.key:
        return True
    now = datetime.now(UTC)
    moments = (now + STEP * number for number in range(YEARS_COMPARED * 366 * 8))
    return all(moment.astimezone(one).utcoffset() == moment.astimezone(other).utcoffset() for moment in moments)
