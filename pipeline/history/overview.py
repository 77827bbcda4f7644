"""What a list of runs says of each."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.step.errors import DataError
from pipeline.local.record import RunRecord
from pipeline.local.recorded import read_record
from pipeline.local.references import run_folders
from pipeline.local.results import statistics_of

DAMAGED = "damaged"
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RunOverview:
    """A run in a list; what it has not come to is None, and nothing but its id is known of a damaged one."""

    run_id: str
    status: str = DAMAGED
    started: datetime | None = None
    seconds: float | None = None
    accuracy: float | None = None
    accuracy_interval_95: tuple[float, float] | None = None
    backbone: str | None = None
    dataset: str | None = None
    promotion: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain JSON values."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {"started": self.started.isoformat() if self.started else None}


def all_runs(runs: Path) -> list[RunOverview]:
    """Return every run in the folder `runs`, the one begun last first."""
    found = [_overview(folder) for folder in run_folders(runs)]
    return sorted(found, key=lambda run: (run.started or LONG_AGO, run.run_id), reverse=True)


def _overview(folder: Path) -> RunOverview:
    try:
        return overview_of(read_record(folder))
    except DataError:
        return RunOverview(folder.name)


def overview_of(record: RunRecord) -> RunOverview:
    """Return what a list says of the run in `record`."""
    steps = {state.name: state for state in record.steps}
    statistics = statistics_of(steps["test"]) if "test" in steps else {}
    accuracy, interval = statistics.get("accuracy"), statistics.get("accuracy_interval_95")
    return RunOverview(
        record.folder.name,
        record.status,
        record.started,
        record.seconds,
        float(accuracy) if isinstance(accuracy, int | float) else None,
        (float(interval[0]), float(interval[1])) if isinstance(interval, list) and len(interval) == 2 else None,
        _text(record.parameters.get("backbone")),
        _text(steps["extract"].parameters.get("fingerprint")) if "extract" in steps else None,
        _text(steps["promote"].parameters.get("verdict")) if "promote" in steps else None,
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
