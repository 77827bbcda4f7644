"""Reports: escaped, in one file, with ticks that read well."""

import itertools
import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from components.step.reports import _environment, render_report, round_ticks

HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7 * 7 }}\x1b[31m\n\u202e"


def chart(source: str, **values: object) -> str:
    """Return what `source` makes of the chart macros."""
    imports = '{% from "charts.html.j2" import bar_chart, line_chart with context %}'
    return _environment().from_string(imports + source).render(**values)


def bars(rows: list[tuple[str, int]]) -> str:
    return chart("{{ bar_chart(rows) }}", rows=rows)


@given(st.floats(-1e12, 1e12), st.floats(0, 1e12))
@example(0.0, 0.0)
@example(0.0, 1.0)
@example(0.69, 0.0)
@example(-1e12, 1e-9)
@example(0.1, 0.9)
def test_ticks_are_few_even_and_reach_around_the_values(low: float, span: float) -> None:
    high = low + span
    ticks = round_ticks((low, high))
    steps = [after - before for before, after in itertools.pairwise(ticks)]
    slack = 1e-6 * max(abs(low), abs(high)) + 1e-12
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert max(steps) == pytest.approx(min(steps), rel=1e-3)


def test_ticks_are_round() -> None:
    assert round_ticks((0.03, 0.97)) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert round_ticks((0, 1.2)) == pytest.approx([0, 0.5, 1, 1.5])
    assert round_ticks((12, 88)) == pytest.approx([0, 20, 40, 60, 80, 100])


def test_bars_are_as_long_as_their_share_of_the_longest() -> None:
    html = bars([("cat", 50), ("dog", 200), ("owl", 0), ("emu", 1)])
    assert [float(width) for width in re.findall(r"width: ([\d.]+)%", html)] == [25, 100, 0, 0.5]
    assert html.count("min-width") == 3, "what is there is seen, what is not is not"
    assert [float(w) for w in re.findall(r"width: ([\d.]+)%", bars([("cat", 0)]))] == [0]


def test_names_in_charts_are_inert_and_short() -> None:
    html = bars([(HOSTILE, 1), ("x" * 1000, 2)])
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "x" * 100 not in html
    assert "{{ 7 * 7 }}" in html, "text is never taken for a template"


def points_of(html: str) -> list[list[tuple[float, float]]]:
    lines = re.findall(r'points="([^"]*)"', html)
    return [[(float(x), float(y)) for x, y in (p.split(",") for p in line.split())] for line in lines]


def test_lines_run_as_their_values_do_and_stay_inside() -> None:
    series = [
        {"name": "train", "points": [(1, 2.0), (2, 1.0), (3, 0.5)]},
        {"name": HOSTILE, "points": [(1, 0.7), (3, 1.9)]},
    ]
    html = chart('{{ line_chart(series, "epoch", "loss") }}', series=series)
    train, other = points_of(html)
    assert [x for x, _ in train] == sorted(x for x, _ in train)
    assert [y for _, y in train] == sorted(y for _, y in train), "a falling loss falls: y grows downwards in SVG"
    assert (train[0][0], train[-1][0]) == (other[0][0], other[-1][0])
    assert all(0 <= x <= 420 and 0 <= y <= 240 for line in (train, other) for x, y in line)
    assert "<script" not in html
    assert html.count("stroke-dasharray") == 1, "lines differ by more than their colour"


@pytest.mark.parametrize("points", [[(1, 0.5)], [(1, 0.0), (2, 0.0)], [(1, 1e-9), (2, 1e9)]])
def test_any_history_can_be_drawn(points: list[tuple[int, float]]) -> None:
    html = chart('{{ line_chart(series, "epoch", "loss") }}', series=[{"name": "a", "points": points}])
    drawn = points_of(html)[0]
    assert len(drawn) == len(points)
    assert all(math.isfinite(value) and 0 <= value <= 420 for point in drawn for value in point)


def test_a_forgotten_value_is_an_error_and_not_a_hole() -> None:
    with pytest.raises(UndefinedError):
        render_report("data.html.j2")


def test_in_a_pipeline_run_a_report_names_run_and_time_and_without_one_the_same_values_give_the_same_bytes(
    monkeypatch,
) -> None:
    values = {"title": "t", "summary": "s", "policy": "", "rows": [], "checks": [], "wins": [], "losses": []}
    monkeypatch.delenv("PAWLINE_RUN_NAME", raising=False)
    monkeypatch.delenv("PAWLINE_RUN", raising=False)
    assert "<footer" not in render_report("base.html.j2", **values)
    monkeypatch.setenv("PAWLINE_RUN", HOSTILE)
    [foot] = re.findall("<footer.*</footer>", render_report("base.html.j2", **values))
    assert re.search(r", made \d{4}-\d\d-\d\d \d\d:\d\d UTC</footer>", foot)
    assert "<script" not in foot
    monkeypatch.setenv("PAWLINE_RUN_NAME", "monday")
    assert "Run <bdi>monday</bdi>, made" in render_report("base.html.j2", **values)
