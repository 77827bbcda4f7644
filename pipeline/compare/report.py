"""A comparison as one self-contained HTML file."""

from collections.abc import Mapping
from typing import Any

from components.step.reports import render_report
from pipeline.compare.comparison import Comparison
from pipeline.compare.metrics import METRICS
from pipeline.compare.table import megabytes, milliseconds, p_value, shown, time_taken
from pipeline.compare.words import costs_note, headline, notes

MOST_IN_MATRIX = 12  # A table of every pair is legible up to as many runs.


def render_comparison(comparison: Comparison, failed: Mapping[str, str]) -> str:
    """Return the HTML of `comparison`; `failed` says why further candidates of a sweep are not in it, by their own."""
    count = len(comparison.runs)
    return render_report(
        "compare.html.j2",
        headline=headline(comparison),
        notes=notes(comparison),
        fingerprint=comparison.runs[0].fingerprint,
        runs=[_run(comparison, index) for index in range(count)],
        charts=[_chart(comparison, key) for key in METRICS if all(key in run.metrics for run in comparison.runs)],
        against=[_against(comparison, index) for index in range(count - 1)],
        matrix=_matrix(comparison) if 2 < count <= MOST_IN_MATRIX else [],
        differing=comparison.differing,
        costs_note=costs_note(comparison),
        failed=failed,
    )


def _run(comparison: Comparison, index: int) -> dict[str, Any]:
    run, cost = comparison.runs[index], comparison.costs[index]
    return {
        "number": index + 1,
        "name": run.name,
        "setting": comparison.settings[index],
        "backbone": run.manifest.backbone,
        "size": megabytes(cost.onnx_bytes),
        "latency": milliseconds(cost.latency.median_ms) if cost.latency else "",
        "slowest": milliseconds(cost.latency.p95_ms) if cost.latency else "",
        "training": time_taken(cost.training_seconds) if cost.training_seconds is not None else "",
        "features": time_taken(cost.feature_seconds) if cost.feature_seconds is not None else "",
    }


def _chart(comparison: Comparison, key: str) -> dict[str, Any]:
    """Return the figure `key` of every run: texts, and places in percent of an axis that all of them share."""
    found = [run.metrics[key] for run in comparison.runs]
    low = min(min(one.interval or (one.value,)) for one in found)
    span = max(max(one.interval or (one.value,)) for one in found) - low or 1.0

    def place(value: float) -> float:
        return round(2 + 96 * (value - low) / span, 2)

    name, _, less_is_better = METRICS[key]
    rows = [
        {
            "number": number,
            "texts": shown(key, one),
            "at": place(one.value),
            "ends": [place(end) for end in one.interval] if one.interval else [],
        }
        for number, one in enumerate(found, 1)
    ]
    return {"name": name, "less_is_better": less_is_better, "rows": rows}


def _against(comparison: Comparison, index: int) -> dict[str, Any]:
    pair = comparison.against_best[index]
    low, high = (f"{100 * end:+.1f}" for end in pair.interval_95)
    return {
        "number": pair.second,
        "difference": f"{100 * pair.difference:+.1f}",
        "interval": f"{low} to {high}",
        "only_best": pair.only_first,
        "only_this": pair.only_second,
        "p": p_value(pair.p),
        "p_holm": p_value(pair.p_holm),
        "beyond_chance": pair.beyond_chance,
    }


def _matrix(comparison: Comparison) -> list[list[dict[str, Any] | None]]:
    """Return a row for each run: its pair with each of the others, None with itself."""
    numbers = range(1, len(comparison.runs) + 1)
    pairs = {frozenset((pair.first, pair.second)): pair for pair in comparison.pairs}
    cells = {both: {"p": p_value(pair.p_holm), "beyond_chance": pair.beyond_chance} for both, pair in pairs.items()}
    return [[cells.get(frozenset((row, column))) for column in numbers] for row in numbers]
