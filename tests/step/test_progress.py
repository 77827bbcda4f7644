"""Progress: a bar where somebody watches, a line now and then where a log is kept."""

import io
import logging
import os
import re
from collections.abc import Iterator

import pytest

from components.step import progress
from components.step.progress import Progress


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that stands still until told."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The lines logged."""
    found: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    log = logging.getLogger("pawline")
    before = log.handlers, log.level
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    yield found
    log.handlers = before[0]
    log.setLevel(before[1])


def watched(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal of 60 columns that is stderr from now on; pytest sets its own before each test."""
    made = Terminal()
    monkeypatch.setattr("sys.stderr", made)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((60, 24)))
    return made


def test_a_log_gets_a_line_every_five_seconds_and_one_at_the_end(clock: Clock, lines: list[str]) -> None:
    with Progress("reading images", 100) as shown:
        for _ in range(100):
            clock.now += 0.2
            shown.advance()
    assert lines == [
        "reading images: 25/100, 5.0/s, 15 s left",
        "reading images: 50/100, 5.0/s, 10 s left",
        "reading images: 75/100, 5.0/s, 5 s left",
        "reading images: 100/100, 5.0/s, 0 s left",
        "reading images: 100 done in 20.0 s",
    ]


def test_quick_work_logs_its_end_only_and_a_note_is_shown(clock: Clock, lines: list[str]) -> None:
    with Progress("training", 3) as shown:
        shown.note("loss 0.5")
        shown.advance(3)
    assert lines == ["training: 3 done in 0.0 s, loss 0.5"]


@pytest.mark.parametrize(("total", "done"), [(0, 0), (0, 5), (3, 5), (10**12, 1)])
def test_any_total_is_shown(
    total: int, done: int, clock: Clock, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = watched(monkeypatch)
    with Progress("work", total) as shown:
        clock.now += 10
        shown.advance(done)
    assert f"{done}/{total}" in terminal.getvalue()


def test_a_terminal_gets_a_bar_on_one_line_that_is_cleared_at_the_end(
    clock: Clock, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = watched(monkeypatch)
    with Progress("reading images of a very long title", 10) as shown:
        for _ in range(10):
            clock.now += 1
            shown.advance()
    drawn = terminal.getvalue().split("\r\x1b[K")
    assert drawn[0] == drawn[-1] == ""
    assert [bar.count("█") for bar in drawn[1:-1]] == [24 * done // 10 for done in range(1, 11)]
    assert all(len(bar) < 60 and "\n" not in bar for bar in drawn)
    assert lines == ["reading images of a very long title: 10 done in 10.0 s"]


def test_a_terminal_is_drawn_at_most_ten_times_a_second(
    clock: Clock, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = watched(monkeypatch)
    with Progress("work", 1000) as shown:
        for _ in range(1000):
            clock.now += 0.001
            shown.advance()
    assert 5 <= len(re.findall("work:", terminal.getvalue())) <= 10


def test_failed_work_is_not_reported_as_done(clock: Clock, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = watched(monkeypatch)
    with pytest.raises(ZeroDivisionError), Progress("work", 2) as shown:
        shown.advance(1 // 0)
    assert lines == []
    assert terminal.getvalue().endswith("\x1b[K")


def test_the_first_items_which_a_network_is_compiled_on_do_not_count_in_the_rate(monkeypatch, caplog):
    clock = iter([0.0, 60.0, 60.0, 70.0])  # Made; the first ten take a minute, the next ten seconds.
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    caplog.set_level("INFO", logger="pawline")
    training = Progress("training", 100)
    training.advance(10)
    training.advance(10)
    assert caplog.messages == ["training: 10/100, 0.2/s, 9 min 00 s left", "training: 20/100, 1.0/s, 1 min 20 s left"]
