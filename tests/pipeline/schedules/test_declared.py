"""`schedules.yaml`: what may stand in it, and whose clock it goes by."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.step.errors import UsageError
from pipeline.schedules.clocks import check_clocks
from pipeline.schedules.declared import ScheduleFile, read_schedules
from tests.support.fake_pipeline import DECLARED

ONE = "schedules:\n  - name: nightly\n    cron: '30 2 * * 1-5'\n"


def read(folder: Path, text: str) -> ScheduleFile:
    (folder / "schedules.yaml").write_text(text, encoding="utf-8")
    return read_schedules(folder / "schedules.yaml", DECLARED)


def test_what_is_not_said_is_one_at_a_time_without_catching_up(tmp_path: Path) -> None:
    [schedule] = read(tmp_path, ONE).schedules
    assert (schedule.concurrency, schedule.catch_up, schedule.enabled) == (1, False, True)
    assert (schedule.time_zone, dict(schedule.parameters)) == (ZoneInfo("UTC"), {})


def test_what_is_said_holds_and_parameters_have_their_types(tmp_path: Path) -> None:
    more = (
        "    time_zone: Asia/Tokyo\n    concurrency: 2\n    catch_up: true\n    enabled: false\n"
        "    parameters:\n      count: 7\n      text: 7\n      labels: {gpu: '1'}\n"
    )
    [schedule] = read(tmp_path, ONE + more).schedules
    assert (schedule.concurrency, schedule.catch_up, schedule.enabled) == (2, True, False)
    assert schedule.parameters == {"count": 7, "text": "7", "labels": {"gpu": "1"}}
    assert schedule.time_zone == ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing"),
        ("schedules: 3", "`schedules` without a list"),
        ("schedule:\n" + ONE.partition("\n")[2], "the unknown key schedule. Did you mean schedules? There are: "),
        (ONE + "    crom: x\n", "the unknown key crom. Did you mean cron? There are: "),
        (ONE + ONE.partition("\n")[2], "a second schedule called nightly"),
        (ONE + "    name: x\n", "name twice"),
        ("schedules:\n  - name: a\n", "no cron"),
        ("schedules:\n  - cron: '@daily'\n", "no name"),
        ("schedules:\n  - a\n", "something else than `name: value` lines"),
        ("schedules:\n  - name: a\n    cron: [1]\n", "where one value belongs"),
        ("schedules:\n  - name: a\n    cron: */5 * * * *\n", "each cron in quotes"),
        ("schedules:\n  - name: a\n    cron: * * * * *\n", "each cron in quotes"),
        ("schedules:\n  - name: a\n    cron: @daily\n", "each cron in quotes"),
        ("schedules:\n  - name: a\n    cron: '0 30 2 * * 1'\n", 'Leave out the seconds: "30 2 * * 1"'),
        ("schedules:\n  - name: a\n    cron: '0 0 30 2 *'\n", "within 5 years"),
        ("schedules:\n  - name: a b\n    cron: '@daily'\n", "A schedule's name must be"),
        (ONE + "    time_zone: Europe\n", "IANA"),
        (ONE + "    time_zone: ../../etc/passwd\n", "IANA"),
        (ONE + "    time_zone: CEST\n", "IANA"),
        (ONE + "    time_zone: Europe/Berln\n", "Did you mean Europe/Berlin? "),
        (ONE + "    time_zone: berlin\n", "Did you mean Europe/Berlin? "),
        (ONE + "    concurrency: 0\n", "concurrency must be 1 to 10"),
        (ONE + "    enabled: yes\n", "true or false"),
        (ONE + "    parameters: {counts: 1}\n", "Did you mean count?"),
        (ONE + "    parameters: {count: many}\n", "count must be an integer"),
        (ONE + "    parameters: [count]\n", "something else than"),
        ("a: &a [*a]\n", "an anchor or alias"),
    ],
)
def test_what_is_not_legal_is_one_line_that_says_where(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value)
    assert "schedules.yaml" in str(refused.value)
    assert str(refused.value).isprintable()


@given(st.text(max_size=80))
def test_any_text_is_schedules_or_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(ONE + text, encoding="utf-8", errors="surrogatepass")
    said = ""
    try:
        read_schedules(path, DECLARED)
    except UsageError as error:
        said = str(error)
    assert said.isprintable()


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_schedules(tmp_path / "absent.yaml", DECLARED)


@pytest.mark.parametrize(
    ("controller", "zone", "same"),
    [
        ("UTC", "UTC", True),
        ("UTC", "Africa/Abidjan", True),
        ("Europe/Paris", "Europe/Berlin", True),
        ("UTC", "Europe/Lisbon", False),
        ("UTC", "Asia/Tokyo", False),
        ("Europe/Paris", "UTC", False),
    ],
)
def test_a_clock_that_is_not_the_controllers_is_refused(tmp_path: Path, controller: str, zone: str, same: bool) -> None:
    file = read(tmp_path, f"controller_time_zone: {controller}\n{ONE}    time_zone: {zone}\n")
    if same:
        check_clocks(file)
        return
    with pytest.raises(UsageError, match="CRON_SCHEDULE_TIMEZONE"):
        check_clocks(file)


def test_an_interval_needs_no_clock(tmp_path: Path) -> None:
    check_clocks(read(tmp_path, "schedules:\n  - {name: a, cron: '@every 6h', time_zone: Asia/Tokyo}\n"))
