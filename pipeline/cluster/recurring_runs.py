"""Recurring runs on a server: listed, made, paused, resumed, deleted. KFP cannot change one in place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.shapes import TEXT_OR_NUMBER, fitting, given

RECURRING = {
    "recurring_run_id": str,
    "display_name": str,
    "pipeline_version_reference": {"pipeline_id": str, "pipeline_version_id": str},
    "trigger": {str: {"cron": str, "interval_second": TEXT_OR_NUMBER}},
    "runtime_config": {"parameters": {str: object}},
    "max_concurrency": TEXT_OR_NUMBER,
    "no_catchup": bool,
    "mode": str,
    "status": str,
}


@dataclass(frozen=True, slots=True)
class RecurringRun:
    """A recurring run as the server tells it; what it leaves out has the value that its kind begins with."""

    id: str
    name: str
    pipeline_id: str
    version_id: str
    trigger: Mapping[str, Any]
    parameters: Mapping[str, Any]
    concurrency: int
    no_catchup: bool
    enabled: bool


def list_recurring(kfp: KfpApi, pipeline_id: str) -> list[RecurringRun]:
    """Return the recurring runs of a pipeline, by name.

    Raises:
        DataError, ServiceError: the server refuses or does not answer.
    """
    # 2.5.0 answers in this case of letters, as does 2.17.
    found = [_recurring(item) for item in kfp.pages("/recurringruns", "recurringRuns", kfp.of_namespace)]
    return sorted((run for run in found if run.pipeline_id == pipeline_id), key=lambda run: (run.name, run.id))


def create_recurring(kfp: KfpApi, body: Mapping[str, Any]) -> str:
    """Make the recurring run in `body`, as the KFP API takes it, and return its id; errors as in `list_recurring`."""
    return given(kfp.call("POST", "/recurringruns", body=body), "recurring_run_id")


def delete_recurring(kfp: KfpApi, run_id: str) -> None:
    """Delete a recurring run; the runs that it has begun stay. Errors are as in `list_recurring`."""
    kfp.call("DELETE", f"/recurringruns/{run_id}")


def enable_recurring(kfp: KfpApi, run_id: str, enabled: bool) -> None:
    """Let a recurring run fire, or not. Errors are as in `list_recurring`."""
    kfp.call("POST", f"/recurringruns/{run_id}:{'enable' if enabled else 'disable'}")


def _recurring(answer: Mapping[str, Any]) -> RecurringRun:
    item = fitting(answer, RECURRING)
    version = item.get("pipeline_version_reference") or {}
    state = item.get("mode") or item.get("status") or ""
    return RecurringRun(
        id=str(item.get("recurring_run_id", "")),
        name=str(item.get("display_name", "")),
        pipeline_id=str(version.get("pipeline_id", "")),
        version_id=str(version.get("pipeline_version_id", "")),
        trigger={kind: _without_times(value) for kind, value in (item.get("trigger") or {}).items()},
        parameters=(item.get("runtime_config") or {}).get("parameters") or {},
        concurrency=_number(item.get("max_concurrency")),
        no_catchup=bool(item.get("no_catchup", False)),
        enabled=str(state).startswith("ENABLE"),
    )


def _number(value: str | int | None) -> int:
    try:
        return int(value or 1)
    except ValueError:
        return 1


def _without_times(trigger: Mapping[str, Any]) -> dict[str, Any]:
    # Some servers add a beginning and an end that nobody has given.
    kept = {name: trigger[name] for name in ("cron", "interval_second") if name in trigger}
    return {name: str(value) for name, value in kept.items()}
