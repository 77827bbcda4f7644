"""The reports of a run, by what people call them."""

from collections.abc import Mapping
from pathlib import Path

from components.step.errors import DataError, one_line
from pipeline.history.report_names import REPORTS
from pipeline.local.record import RunRecord


def report_of(record: RunRecord, wanted: str | None) -> Path:
    """Return the file of the report called `wanted`, or of the one that says most among those that are there.

    Raises:
        DataError: the run has none of that name, or none at all.
    """
    there = reports_of(record)
    for name in [wanted] if wanted else REPORTS:
        if name in there:
            return there[name]
    run = one_line(record.folder.name, 90)
    raise DataError(
        f"A report is there once its step is done. Received: {run}, {record.status}, without a {wanted or 'single'} "
        f"report. It has: {', '.join(there) or 'none'}. `pawline show {run}` says how far it came."
    )


def reports_of(record: RunRecord) -> Mapping[str, Path]:
    """Return the reports that the run has, by name."""
    steps = {state.name: state.artifacts for state in record.steps}
    places = {name: steps.get(step, {}).get("report", {}).get("uri") for name, step in REPORTS.items()}
    return {name: Path(uri) for name, uri in places.items() if uri and Path(uri).is_file()}
