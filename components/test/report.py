"""The test report: one HTML file in which a person sees how good the model is, where it is wrong, and why."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.step.files import write_text
from components.step.report_scripts import embedded_json, joined_script, policy_source
from components.step.reports import render_report
from components.test.report_charts import (
    coverage_line,
    kept_epoch,
    learning_curves,
    precision_recall_lines,
    reliability_lines,
    roc_lines,
)
from components.test.report_data import fitted, page_data, pictures_of, with_pictures
from components.test.report_words import headline, markdown_summary, verdict

__all__ = ["markdown_summary", "write_test_report"]

MAX_BYTES = 6_000_000  # What opens at once over a slow line and in a frame of the pipeline's page.
MAX_MATRIX_CLASSES = 30
MAX_ROWS = 20  # Of a table that unfolds.
SCRIPTS = ("test_page.js", "test_viewer.js", "test_gallery.js", "test_tables.js")


def write_test_report(
    path: Path,
    statistics: Mapping[str, Any],
    report_data: Mapping[str, Any],
    provenance: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any],
) -> None:
    """Write the report to `path`, at most MAX_BYTES as far as pictures can be made smaller.

    Args:
        path: the HTML file.
        statistics: as `assessment.assess` returns them.
        report_data: the samples shown, as `evaluation_report.report_data` returns them.
        provenance: what was tested on what: text, numbers or mappings of these, in the order to show.
        history: an object an epoch with the columns of train's history; empty where it is not known.
        data: the bundle's facts on its data, with `splits.test`; what is absent is left out.

    Raises:
        ServiceError: `path` cannot be written.
    """
    page = page_data(report_data, statistics["class_names"], statistics["abstention"])
    values = _values(statistics, report_data, provenance, history, data)
    pictures = pictures_of(page)
    without = len(_render(values, with_pictures(page, [""] * len(pictures))).encode())
    write_text(path, _render(values, with_pictures(page, fitted(pictures, MAX_BYTES - without))))


def _render(values: Mapping[str, Any], page: Mapping[str, Any]) -> str:
    script = joined_script(SCRIPTS)
    return render_report(
        "test.html.j2", **values, script=script, policy=policy_source(script), page=embedded_json(page)
    )


def _values(
    statistics: Mapping[str, Any],
    report_data: Mapping[str, Any],
    provenance: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    data: Mapping[str, Any],
) -> dict[str, Any]:
    names = statistics["class_names"]
    return {
        "statistics": statistics,
        "report_data": report_data,
        "verdict": [sentence.html() for sentence in verdict(statistics, report_data)],
        "headline": headline(statistics),
        "classes": _weakest_first(statistics["classes"]),
        "matrix": statistics["confusion_matrix"] if len(names) <= MAX_MATRIX_CLASSES else None,
        "index": {name: position for position, name in enumerate(names)},
        "numbers": {sample["sample_id"]: at for at, sample in enumerate(report_data["samples"])},
        "neighbour_numbers": {name: at for at, name in enumerate(report_data["neighbour_thumbnails"])},
        "charts": _charts(statistics),
        "learning": learning_curves(history),
        "kept": kept_epoch(history),
        "slices": _slices(statistics["slices"]),
        "data": data,
        "provenance": _rows(provenance),
        "max_rows": MAX_ROWS,
    }


def _weakest_first(classes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the classes with their number and what to order them by; those without samples come last."""
    rows = [
        {**one, "number": at, "order": 2 if one["recall"] is None else one["recall"]} for at, one in enumerate(classes)
    ]
    return sorted(rows, key=lambda one: (one["order"], -one["support"]))


def _charts(statistics: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {
        "reliability": reliability_lines(statistics["calibration"]),
        "coverage": coverage_line(statistics["abstention"]),
        "roc": roc_lines(statistics["curves"]),
        "precision_recall": precision_recall_lines(statistics["curves"]),
    }


def _slices(slices: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Return the parts of each kind that has more than one; classes have a table of their own."""
    kinds = {"group": "by_group", "image size": "by_size", "brightness": "by_brightness"}
    return {title: slices[kind] for title, kind in kinds.items() if len(slices[kind]) > 1}


def _rows(provenance: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return names and values, those of nested mappings behind their own name."""
    rows: list[tuple[str, str]] = []
    for name, value in provenance.items():
        nested = isinstance(value, Mapping)
        rows += _rows(value, f"{prefix}{name} ") if nested else [(f"{prefix}{name}".replace("_", " "), str(value))]
    return rows
