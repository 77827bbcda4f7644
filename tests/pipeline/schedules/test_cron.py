"""Cron as people write it: what KFP is given fires when people mean it, by the clock of its controller.

robfig_cron.json has what robfig/cron v1.2.0, KFP's own, answered for what is given to it: six next times each.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import assume, given
from hypothesis import strategies as st

from components.step.errors import UsageError
from pipeline.schedules.cron import FIELDS, NICKNAMES, Field, Trigger, five_fields, parse_trigger, trigger_of_kfp

BY_ROBFIG = json.loads(Path(__file__).with_name("robfig_cron.json").read_text(encoding="utf-8"))
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def fires(trigger: Trigger, after: datetime, zone: str, count: int = 6) -> list[datetime]:
    return list(islice(trigger.fires(after, ZoneInfo(zone)), count))


def in_utc(times: list[datetime]) -> list[str]:
    return [time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for time in times]


@pytest.mark.parametrize("case", BY_ROBFIG, ids=lambda case: case["cron"].replace("/", ":"))
def test_what_kfp_is_given_fires_in_kfp_when_we_say(case: dict) -> None:
    trigger = parse_trigger(case["cron"])
    assert trigger.as_kfp() == {"cron_schedule": {"cron": case["six"]}}
    assert in_utc(fires(trigger, datetime.fromisoformat(case["after"]), case["zone"])) == case["fires"]


def items(field: Field) -> st.SearchStrategy[str]:
    """What every reader of cron takes alike; where they differ, robfig_cron.json has it."""
    numbers = st.integers(field.lowest, field.highest - (field.highest == 7))
    names = st.sampled_from(field.names or ["*"])
    steps = st.integers(1, 12).map(lambda step: f"*/{step}")
    ranges = st.tuples(numbers, numbers).filter(lambda ends: ends[0] < ends[1]).map(lambda ends: f"{ends[0]}-{ends[1]}")
    lists = st.lists(st.one_of(numbers.map(str), ranges), min_size=2, max_size=4).map(",".join)
    return st.one_of(st.just("*"), numbers.map(str), names, names.map(str.upper), steps, ranges, lists)


crons = st.tuples(*(items(field) for field in FIELDS)).map(" ".join)


@given(crons, st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_five_fields_fire_as_the_library_reads_them(cron: str, after: datetime) -> None:
    try:
        expected = list(islice(CronSim(cron, after), 3))
    except CronSimError:
        expected = []
    assume(all(late.year <= early.year + 5 for early, late in zip([after, *expected], expected, strict=False)))
    assert fires(parse_trigger(cron), after, "UTC", 3) == expected


@given(crons)
def test_a_cron_with_seconds_is_refused_with_the_one_to_write(cron: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_trigger(f"0 {cron}")
    assert f'Leave out the seconds: "{cron}".' in str(refused.value)


WORDS = st.sampled_from(["0", "2", "30", "*", "?", "MON", "1", "L", "*/5", "2026", "W", "#"])
ADVISED = re.compile(r'(?:Leave out the seconds|Write for instance): ?"(?P<cron>[^"]*)"')


@given(st.lists(WORDS, min_size=6, max_size=7))
def test_what_is_advised_is_not_refused_afterwards(fields: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        parse_trigger(" ".join(fields))
    if advised := ADVISED.search(str(refused.value)):
        assert parse_trigger(advised["cron"]).six_fields


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("0 0 2 ? * MON", 'Leave out the seconds: "0 2 * * MON".'),
        ("0 0 2 ? * 2", "Write for instance"),  # Quartz's Monday, and everyone else's Tuesday.
        ("0 2 * * MON *", "Write for instance"),  # A year at the end, as Amazon has it.
        ("0 2 ? * MON", "Write * for it."),
    ],
)
def test_what_others_write_gets_advice_that_means_the_same(text: str, advice: str) -> None:
    with pytest.raises(UsageError, match=re.escape(advice)):
        parse_trigger(text)


@given(st.one_of(st.sampled_from(sorted(available_timezones())), st.text(st.characters(categories=["L"]), max_size=12)))
def test_the_zone_that_is_advised_is_one(zone: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_trigger(f"TZ={zone} 0 2 * * 1")
    assert ZoneInfo(str(refused.value).rpartition("time_zone: ")[2].rstrip("."))


@given(crons)
def test_what_kfp_has_is_shown_as_it_was_written(cron: str) -> None:
    assert five_fields(f"0 {cron}") == cron
    assert five_fields(f"30 {cron}") == f"30 {cron}"


@given(st.text(max_size=30))
def test_whatever_is_written_is_a_trigger_or_one_line(text: str) -> None:
    said = ""
    try:
        trigger = parse_trigger(text, "line 3")
    except UsageError as error:
        said = str(error)
    assert ("Received: " in said and said.isprintable()) or trigger.interval or len(trigger.six_fields.split()) == 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("30 2 * *", "which has 4"),
        ("weekly", "which has 1"),
        ("@reboot", "@daily"),
        ("", "which has 0"),
        ("CRON_TZ=Europe/Paris 30 2 * * 1", "time_zone: Europe/Paris"),
        ("TZ=Europe/Paris 30 2 * * 1", "time_zone: Europe/Paris"),
        ("60 * * * *", "The minute of a cron is 0 to 59"),
        ("* 24 * * *", "The hour of a cron is 0 to 23"),
        ("* * 0 * *", "The day of month of a cron is 1 to 31"),
        ("* * * 13 *", "The month of a cron is 1 to 12 or jan to dec"),
        ("* * * * 8", "The day of week of a cron is 0 to 7 or sun to sat"),
        ("* * * mon *", "The month of a cron"),
        ("5-3 * * * *", "'5-3'"),
        ("*/0 * * * *", "'*/0'"),
        ("*-5 * * * *", "'*-5'"),
        ("1,,2 * * * *", "''"),
        ("-1 * * * *", "'-1'"),
        ("* * L * *", "'l'"),
        ("* * ? * *", "'?'"),
        ("\u0663 * * * *", "The minute of a cron"),
        ("@every 5s", "a minute at least"),
        ("@every 1d", "@every 6h"),
        ("@every", "@every 6h"),
        ("@every -6h", "@every 6h"),
    ],
)
def test_what_is_no_trigger_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_trigger(text)
    assert said in str(refused.value)


@pytest.mark.parametrize("nickname", NICKNAMES)
def test_nicknames_are_their_five_fields(nickname: str) -> None:
    assert parse_trigger(nickname).as_kfp() == parse_trigger(NICKNAMES[nickname]).as_kfp()


def test_intervals_count_from_now_and_are_kfps_own() -> None:
    trigger = parse_trigger("@every 1h30m")
    assert trigger.as_kfp() == {"periodic_schedule": {"interval_second": "5400"}}
    assert fires(trigger, NOON, "Europe/Paris", 2) == [NOON + timedelta(minutes=90), NOON + timedelta(minutes=180)]


def test_what_the_clock_skips_is_skipped_and_what_it_repeats_comes_twice() -> None:
    spring = fires(parse_trigger("30 2 * * *"), datetime(2027, 3, 27, tzinfo=UTC), "Europe/Paris", 2)
    assert in_utc(spring) == ["2027-03-27T01:30:00Z", "2027-03-29T00:30:00Z"]
    autumn = fires(parse_trigger("30 2 * * *"), datetime(2027, 10, 30, 12, tzinfo=UTC), "Europe/Paris", 3)
    assert in_utc(autumn) == ["2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z", "2027-11-01T01:30:00Z"]


def test_five_fields_on_a_cluster_are_said_as_kfp_reads_them() -> None:
    # Seen on KFP 2.17.0: the next trigger of this one is in January, where Mondays were meant.
    assert in_utc(fires(trigger_of_kfp("30 2 * * 1"), NOON, "UTC", 1)) == ["2027-01-01T00:02:30Z"]
    assert in_utc(fires(trigger_of_kfp("0 30 2 * * 1"), NOON, "UTC", 1)) == ["2026-11-30T02:30:00Z"]
    assert in_utc(fires(trigger_of_kfp("@daily"), NOON, "UTC", 1)) == ["2026-11-27T00:00:00Z"]


@pytest.mark.parametrize("never", ["0 0 30 2 *", "0 0 31 4,6 *"])
def test_what_never_comes_yields_nothing(never: str) -> None:
    assert fires(parse_trigger(never), NOON, "UTC") == []
