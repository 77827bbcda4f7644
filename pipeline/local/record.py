"""The record of a run, `run.json`: parameters, states and durations, complete at every moment."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from components.step.files import write_json
from components.step.owner import is_gone, this_process
from components.step.regular_files import read_regular
from components.step.sealed_json import sealed, unsealed

RECORD = "run.json"
NAMES = ("run_id", "pipeline", "status", "owner", "started", "started_in", "seconds", "parameters", "steps")
Status = Literal["waiting", "running", "succeeded", "failed", "stopped"]


@dataclass(slots=True)
class StepState:
    """How far a step is, and what it gave: output parameters, and artifacts as KFP's JSON describes them.

    `reused_from` is the id of the run that has done the step, where this one takes over what it gave.
    """

    name: str
    status: Status = "waiting"
    seconds: float = 0.0
    exit_code: int | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    reused_from: str | None = None


@dataclass(slots=True)
class RunRecord:
    """A run and its steps, written to `run.json` in its folder; relative parameters are so to `started_in`."""

    folder: Path
    pipeline: str
    parameters: Mapping[str, Any]
    steps: Sequence[StepState]
    status: Status = "waiting"
    seconds: float = 0.0
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_in: str = field(default_factory=os.getcwd)
    owner: str = field(default_factory=this_process)

    def write(self) -> None:
        """Write the record as it is now, atomically."""
        write_json(self.folder / RECORD, sealed(self.as_json()))

    def as_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return {
            "run_id": self.folder.name,
            "pipeline": self.pipeline,
            "status": self.status,
            "owner": self.owner,
            "started": self.started.isoformat(timespec="seconds"),
            "started_in": self.started_in,
            "seconds": round(self.seconds, 3),
            "parameters": dict(self.parameters),
            "steps": [_step_as_json(step) for step in self.steps],
        }


def recorded_values(folder: Path) -> dict[str, Any]:
    """Return the record of the run in `folder` as plain JSON values.

    Raises:
        OSError: there is none.
        ValueError: it is not as it was written.
    """
    return unsealed(read_regular(folder / RECORD), NAMES)


def shown_status(record: Mapping[str, Any], status: str) -> str:
    """Return `status`, of the run or a step in `record`, a `run.json`; "stopped" where whoever ran it has ended."""
    return "stopped" if status == "running" and is_gone(record.get("owner")) else status


def _step_as_json(step: StepState) -> dict[str, Any]:
    return {
        "name": step.name,
        "status": step.status,
        "seconds": round(step.seconds, 3),
        "exit_code": step.exit_code,
        "outputs": step.parameters,
        "reused_from": step.reused_from,
    }
