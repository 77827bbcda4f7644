"""The stopwatch: nested activities are counted once, and all add up to the total."""

import pytest

from components.step.stopwatch import Stopwatch


def test_all_activities_add_up(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("components.step.stopwatch.time.monotonic", lambda: now[0])
    stopwatch = Stopwatch()
    now[0] += 1
    with stopwatch.measured("features"):
        now[0] += 2
        with stopwatch.measured("decode"):
            now[0] += 3
        now[0] += 4
    stopwatch.add_beside("read", 2.5)
    assert stopwatch.rounded() == {"features": 6.0, "decode": 3.0, "other": 1.0}
    assert stopwatch.rounded_beside() == {"read": 2.5}
    assert sum(stopwatch.rounded().values()) == stopwatch.total() == 10.0


def test_time_until_a_failure_counts(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("components.step.stopwatch.time.monotonic", lambda: now[0])
    stopwatch = Stopwatch()

    def broken():
        with stopwatch.measured("training"):
            now[0] += 5
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()
    assert stopwatch.rounded() == {"training": 5.0, "other": 0.0}
