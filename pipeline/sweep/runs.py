"""A sweep: one dataset and one split, and for every candidate a run that takes over both.

`runs/<id>` is the run of the shared steps; by `sweep.json`, written when they are done, the sweep can be gone on with.
Candidate n is the run `runs/<id>-c<n>`, a further attempt at it `runs/<id>-c<n>-2`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from components.step.errors import UsageError, one_line
from components.step.files import write_json
from components.step.regular_files import read_regular
from components.step.sealed_json import sealed, unsealed
from pipeline.compiled import CompiledPipeline
from pipeline.config import write_config
from pipeline.local.executor import collect_outputs, executor_input
from pipeline.local.folder import new_run_folder
from pipeline.local.record import RunRecord, StepState, recorded_values
from pipeline.sweep.grid import SHARED

PLAN = "sweep.json"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One combination: its number from 1, every parameter, and in words what is its own."""

    number: int
    parameters: Mapping[str, Any]
    setting: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep in `folder`; `pipeline` has the steps that a candidate needs."""

    folder: Path
    pipeline: CompiledPipeline
    candidates: Sequence[Candidate]

    def shared_part(self) -> CompiledPipeline:
        """Return the steps that run once, for all candidates."""
        steps = tuple(step for step in self.pipeline.steps if step.name in SHARED)
        return CompiledPipeline(self.pipeline.name, self.pipeline.parameters, steps)

    def shared_record(self) -> RunRecord:
        """Return the record of the shared steps' run; its parameters are those that all candidates have."""
        first, *others = (candidate.parameters for candidate in self.candidates)
        alike = {name: value for name, value in first.items() if all(other[name] == value for other in others)}
        return RunRecord(
            self.folder, self.pipeline.name, alike, [StepState(step.name) for step in self.shared_part().steps]
        )

    def write_plan(self) -> None:
        """Write down the candidates, now that the shared steps are done."""
        write_json(self.folder / PLAN, sealed(self._plan()))

    def check_plan(self) -> None:
        """Check that the sweep was begun with these candidates and got as far as to share something.

        Raises:
            UsageError: it was not.
        """
        where = one_line(self.folder)
        try:
            planned = unsealed(read_regular(self.folder / PLAN), self._plan())
        except (OSError, ValueError) as error:
            raise UsageError(
                f"A sweep can be gone on with once its shared steps are done. Received: {where}, without a whole "
                f"{PLAN}. Give another --run-id."
            ) from error
        if planned != self._plan():
            raise UsageError(
                f"A sweep is gone on with by its own parameters. Received: others than {where}/{PLAN} has. "
                "Give those, or another --run-id."
            )

    def finished(self, candidate: Candidate) -> Path | None:
        """Return the folder of the candidate's attempt that succeeded, if one has."""
        attempts = (folder for folder in self._places(candidate) if folder.exists())
        return next((folder for folder in attempts if self._is_done(folder, candidate)), None)

    def new_record(self, candidate: Candidate) -> RunRecord:
        """Return the record of a new attempt at `candidate`, in a new folder, the shared steps taken over.

        Raises:
            DataError: what the shared steps gave is no longer there.
            ServiceError: the folder cannot be written.
        """
        states = self._states(candidate)
        place = next(folder for folder in self._places(candidate) if not folder.exists())
        folder = new_run_folder(place.parent, place.name)
        write_config(folder / "config.yaml", candidate.parameters)
        return RunRecord(folder, self.pipeline.name, candidate.parameters, states)

    def _places(self, candidate: Candidate) -> Iterator[Path]:
        name = f"{self.folder.name}-c{candidate.number}"
        names = chain([name], (f"{name}-{attempt}" for attempt in range(2, 100)))
        return (self.folder.with_name(name) for name in names)

    def _is_done(self, folder: Path, candidate: Candidate) -> bool:
        try:
            record = recorded_values(folder)
            origins = {step["reused_from"] for step in record["steps"] if step["name"] in SHARED}
        except (OSError, ValueError, LookupError, TypeError):
            return False  # Damaged: it is run again, in another folder.
        ours = origins == {self.folder.name} and record.get("parameters") == candidate.parameters
        return bool(ours and record.get("status") == "succeeded")

    def _states(self, candidate: Candidate) -> list[StepState]:
        states: dict[str, StepState] = {}
        for step in self.pipeline.steps:
            state = states[step.name] = StepState(step.name)
            if step.name in SHARED:
                state.status, state.exit_code, state.reused_from = "succeeded", 0, self.folder.name
                task = executor_input(step, self.folder / step.name, candidate.parameters, states)
                collect_outputs(step, state, task["outputs"])
        return list(states.values())

    def _plan(self) -> dict[str, Any]:
        listed = [{"number": c.number, "setting": c.setting, "parameters": dict(c.parameters)} for c in self.candidates]
        return {"sweep_id": self.folder.name, "pipeline": self.pipeline.name, "candidates": listed}
