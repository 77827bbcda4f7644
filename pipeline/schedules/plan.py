"""What must change on a cluster so that it has the schedules of a file: compared first, done afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.pipeline_versions import PipelineVersion
from pipeline.cluster.recurring_runs import RecurringRun, create_recurring, delete_recurring, enable_recurring
from pipeline.schedules.cron import five_fields
from pipeline.schedules.declared import Schedule

Kind = Literal["create", "replace", "pause", "resume", "delete", "keep", "leave"]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done about one schedule: `old` are what the cluster has of it, `differences` name what differs."""

    kind: Kind
    name: str
    new: Schedule | None = None
    old: tuple[RecurringRun, ...] = ()
    differences: tuple[str, ...] = ()

    @property
    def is_one(self) -> bool:
        """Tell whether anything is to be done."""
        return self.kind not in ("keep", "leave")

    @property
    def makes_one(self) -> bool:
        """Tell whether a recurring run is to be made, for which the pipeline must be on the server."""
        return self.kind in ("create", "replace")


def plan(
    schedules: Sequence[Schedule], there: Sequence[RecurringRun], version: PipelineVersion, prune: bool
) -> list[Change]:
    """Return a change for each schedule of the file and each recurring run that is `there`, of this pipeline alone.

    What the file does not name is left alone, or with `prune` deleted.
    """
    named = {schedule.name for schedule in schedules}
    changes = [
        _change(schedule, [run for run in there if run.name == schedule.name], version) for schedule in schedules
    ]
    others: dict[str, list[RecurringRun]] = {}
    for run in there:
        if run.name not in named:
            others.setdefault(run.name, []).append(run)
    kind: Kind = "delete" if prune else "leave"
    return changes + [Change(kind, name, old=tuple(runs)) for name, runs in others.items()]


def carry_out(kfp: KfpApi, changes: Sequence[Change], version: PipelineVersion, experiment_id: str) -> None:
    """Make the cluster as `changes` say. New ones are made before old ones go, so that a failure leaves no gap.

    Raises:
        DataError: the server refuses a schedule.
        ServiceError: it does not answer.
    """
    for change in changes:
        if change.makes_one and change.new:
            create_recurring(kfp, as_kfp(change.new, version, experiment_id))
        if change.kind in ("pause", "resume"):
            enable_recurring(kfp, change.old[0].id, change.kind == "resume")
        if change.kind in ("replace", "delete"):
            for run in change.old:
                delete_recurring(kfp, run.id)


def as_kfp(schedule: Schedule, version: PipelineVersion, experiment_id: str = "") -> dict[str, Any]:
    """Return the recurring run that `schedule` is, as the KFP API takes it."""
    body = {
        "display_name": schedule.name,
        "pipeline_version_reference": version.as_reference(),
        "runtime_config": {"parameters": dict(schedule.parameters)},
        "trigger": schedule.trigger.as_kfp(),
        "max_concurrency": str(schedule.concurrency),
        "no_catchup": not schedule.catch_up,
        "mode": "ENABLE" if schedule.enabled else "DISABLE",
    }
    return body | ({"experiment_id": experiment_id} if experiment_id else {})


def _change(schedule: Schedule, there: Sequence[RecurringRun], version: PipelineVersion) -> Change:
    if not there:
        return Change("create", schedule.name, schedule)
    if len(there) > 1:
        return Change("replace", schedule.name, schedule, tuple(there), (f"there {len(there)} times",))
    differences = tuple(_differences(schedule, there[0], version))
    if differences:
        return Change("replace", schedule.name, schedule, tuple(there), differences)
    if schedule.enabled != there[0].enabled:
        return Change("resume" if schedule.enabled else "pause", schedule.name, schedule, tuple(there))
    return Change("keep", schedule.name, schedule, tuple(there))


def _differences(schedule: Schedule, run: RecurringRun, version: PipelineVersion) -> Iterator[str]:
    """Yield what can only be changed by making the recurring run anew."""
    trigger = schedule.trigger.as_kfp()
    if trigger != run.trigger:
        yield f"{trigger_text(run.trigger)} -> {trigger_text(trigger)}"
    if version.version_id != run.version_id:
        yield f"pipeline -> {version.name}"
    yield from _parameter_differences(run.parameters, schedule.parameters)
    if run.concurrency != schedule.concurrency:
        yield f"concurrency {run.concurrency} -> {schedule.concurrency}"
    if run.no_catchup == schedule.catch_up:
        yield f"catch_up {str(not run.no_catchup).lower()} -> {str(schedule.catch_up).lower()}"


def _parameter_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in new:
            yield f"{name} {old[name]!r} -> its default"
        elif name not in old or old[name] != new[name]:
            yield f"{name} {repr(old[name]) if name in old else 'its default'} -> {new[name]!r}"


def trigger_text(trigger: Mapping[str, Any]) -> str:
    """Return a trigger of the KFP API as a person writes it."""
    cron = (trigger.get("cron_schedule") or {}).get("cron")
    interval = (trigger.get("periodic_schedule") or {}).get("interval_second")
    if not cron:
        return f"@every {interval}s" if interval else "no trigger"
    shown = five_fields(str(cron))
    return shown if shown != cron or shown.startswith("@") else f"{cron} (seconds first)"
