"""A run read back from its folder: its record, and what its steps gave."""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from components.step.errors import DataError, PawlineError, one_line
from components.step.files import write_json
from components.step.sealed_json import sealed
from components.step.strict_json import read_json
from pipeline.local.elapsed import unrecorded_seconds
from pipeline.local.hold import held_for_a_moment
from pipeline.local.record import RECORD, RunRecord, Status, StepState, recorded_values, shown_status


def read_record(folder: Path) -> RunRecord:
    """Return the record of the run in `folder`; what was running is "stopped" where its owner has ended.

    Raises:
        DataError: the record is missing or damaged.
    """
    path = folder / RECORD
    try:
        found = recorded_values(folder)
        record = RunRecord(
            folder,
            str(found["pipeline"]),
            dict(found["parameters"]),
            [_state(step, found, folder) for step in found["steps"]],
            _status(found, found["status"]),
            float(found["seconds"]),
            datetime.fromisoformat(found["started"]),
            str(found.get("started_in", "")),
            str(found.get("owner", "")),
        )
        _count_on(record, found)
        if found["status"] != record.status:
            _write_down_its_end(record, found)
        return record
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = one_line(getattr(error, "strerror", None) or f"{type(error).__name__}: {error}", 120)
        raise DataError(
            f"A run's record must be as `pawline run` wrote it. Received: {one_line(path)}: {reason}. "
            "Leave the run out or run it again."
        ) from error


def _count_on(record: RunRecord, found: Mapping[str, Any]) -> None:
    """Add to `record` and its running step the time since what was `found` on disk was written, as long as they ran."""
    running = {step["name"] for step in found["steps"] if step["status"] == "running"}
    for state in record.steps:
        if found["status"] == "running" and state.name in running:
            more = unrecorded_seconds(record.folder, state.name, goes_on=record.status == "running")
            state.seconds, record.seconds = state.seconds + more, record.seconds + more


def _write_down_its_end(record: RunRecord, found: Mapping[str, Any]) -> None:
    """Let the record on disk say, too, that whoever ran the run has ended, unless it cannot be written."""
    shown = {name: record.as_json()[name] for name in ("status", "seconds")}
    steps = [
        step | {"status": state.status, "seconds": round(state.seconds, 3)}
        for step, state in zip(found["steps"], record.steps, strict=True)
    ]
    folder, ended = record.folder, {**found, **shown, "steps": steps}
    with suppress(OSError, PawlineError), held_for_a_moment(folder) as ours:
        if ours and recorded_values(folder) == found:
            write_json(folder / RECORD, sealed(ended))


def _status(record: Mapping[str, Any], text: Any) -> Status:
    if text not in get_args(Status):
        raise ValueError(f"status {text}")
    status: Status = shown_status(record, text)  # type: ignore[assignment]  # Of those it was checked to be one of.
    return status


def _state(found: Mapping[str, Any], record: Mapping[str, Any], folder: Path) -> StepState:
    name, origin = str(found["name"]), found.get("reused_from")
    place = folder.parent / str(origin) / name if origin else folder / name
    return StepState(
        name,
        _status(record, found["status"]),
        float(found.get("seconds") or 0.0),
        found.get("exit_code"),
        dict(found.get("outputs") or {}),
        _artifacts(place) if found["status"] == "succeeded" else {},
        origin,
    )


def _artifacts(place: Path) -> dict[str, dict[str, Any]]:
    """Return the artifacts of the step in the folder `place`, which may have been moved since, with their metadata."""
    listed = _json(place / "executor_input.json").get("outputs", {}).get("artifacts", {})
    described = _json(place / "executor_output.json").get("artifacts", {})
    found = {}
    for name, entry in listed.items():
        artifact = entry["artifacts"][0]
        given = (described.get(name, {}).get("artifacts") or [{}])[0]
        uri = str(place / os.path.basename(artifact["uri"]))
        found[name] = {**artifact, "uri": uri, "metadata": given.get("metadata", {})}
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ValueError(f"{path.parent.name}/{path.name}: {error}") from error
    return found if isinstance(found, dict) else {}
