"""`pawline schedule`: runs that begin by the clock of a cluster, as a file declares them."""

import argparse
import sys
from collections.abc import Sequence

from components.step.errors import DataError, UsageError, one_line
from components.step.files import json_text
from components.step.nearest import did_you_mean
from pipeline.cli.cluster_parameters import check_for_cluster, check_places
from pipeline.cli.connection import connected
from pipeline.cli.schedule_words import change_as_json, change_words, fires_as_json, fires_words, recurring_words
from pipeline.cluster.experiments import experiment_id
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.pipeline_versions import PipelineVersion, find_pipeline, find_version, uploaded_version
from pipeline.cluster.recurring_runs import RecurringRun, delete_recurring, enable_recurring, list_recurring
from pipeline.compiled import load_pipeline
from pipeline.schedules.clocks import check_clocks
from pipeline.schedules.declared import ScheduleFile, read_schedules
from pipeline.schedules.plan import Change, carry_out, plan
from pipeline.schedules.zones import read_zone


def say_next(arguments: argparse.Namespace) -> None:
    """Print when the schedules of the file fire next, on the clock here and on the controller's; ask no cluster.

    Raises:
        UsageError: the file is not as it must be, goes by another clock, or --count is no number of times.
    """
    if not 1 <= arguments.count <= 1000:
        raise UsageError(f"--count must be 1 to 1000. Received: {arguments.count}. Correct it.")
    file, _ = _checked(arguments)
    if arguments.json:
        print(json_text([fires_as_json(schedule, arguments.count) for schedule in file.schedules]), end="")
        return
    for schedule in file.schedules:
        print("\n".join(fires_words(schedule, file.controller_time_zone, arguments.count)))


def show_changes(arguments: argparse.Namespace) -> None:
    """Print what `apply` would change on the cluster, which stays as it is.

    Raises:
        UsageError: the file is not as it must be, or no server is named.
        DataError, ServiceError: the server refuses or does not answer.
    """
    file, name = _checked(arguments)
    kfp = connected(arguments)
    version = find_version(kfp, name, arguments.pipeline)
    _print_changes(arguments, file, _planned(kfp, file, version, arguments.prune))


def apply(arguments: argparse.Namespace) -> None:
    """Print what changes on the cluster, then change it; the pipeline is uploaded if it isn't there.

    Raises:
        UsageError: the file is not as it must be, or no server is named.
        DataError, ServiceError: the server refuses or does not answer; the next apply goes on.
    """
    file, name = _checked(arguments)
    kfp = connected(arguments)
    version = find_version(kfp, name, arguments.pipeline)
    changes = _planned(kfp, file, version, arguments.prune)
    _print_changes(arguments, file, changes)
    sys.stdout.flush()
    if any(change.makes_one for change in changes):
        version = uploaded_version(kfp, name, arguments.pipeline, version)
        carry_out(kfp, changes, version, experiment_id(kfp, arguments.experiment))
    else:
        carry_out(kfp, changes, version, "")


def list_schedules(arguments: argparse.Namespace) -> None:
    """Print the cluster's schedules of this pipeline.

    Raises:
        UsageError: no server is named, or --controller-time-zone is no time zone.
        DataError, ServiceError: the server refuses or does not answer.
    """
    zone = read_zone(arguments.controller_time_zone, "--controller-time-zone")
    found = _there(connected(arguments), arguments)
    if arguments.json:
        print(json_text([recurring_words(run, zone) for run in found]), end="")
        return
    for run in found:
        words = recurring_words(run, zone)
        print(
            f"{words['name']}: {words['cron']}, {words['state']}" + (f", next {words['next']}" if run.enabled else "")
        )
    if not found:
        print("no schedules; `pawline schedule apply` makes those of a file")


def pause(arguments: argparse.Namespace) -> None:
    """Let the named schedule fire no more; errors are as in `_one`."""
    _enable(arguments, False)


def resume(arguments: argparse.Namespace) -> None:
    """Let the named schedule fire again; errors are as in `_one`."""
    _enable(arguments, True)


def delete(arguments: argparse.Namespace) -> None:
    """Delete the named schedule; errors are as in `_one`."""
    kfp = connected(arguments)
    run = _one(_there(kfp, arguments), arguments.name)
    delete_recurring(kfp, run.id)
    print(f"{one_line(run.name)}: deleted")


def _enable(arguments: argparse.Namespace, enabled: bool) -> None:
    kfp = connected(arguments)
    run = _one(_there(kfp, arguments), arguments.name)
    enable_recurring(kfp, run.id, enabled)
    print(f"{one_line(run.name)}: {'enabled' if enabled else 'paused'}")


def _one(found: Sequence[RecurringRun], name: str) -> RecurringRun:
    """Return the one of `found` that `name` names.

    Raises:
        DataError: none is called so, or several are.
    """
    named = [run for run in found if name in (run.name, run.id)]
    if len(named) == 1:
        return named[0]
    if named:
        ids = ", ".join(one_line(run.id, 40) for run in named)
        raise DataError(
            f"A schedule must be named clearly. Received: {one_line(name, 80)}, which {ids} have. Give an id."
        )
    names = [one_line(run.name, 60) for run in found]
    received, hint = one_line(name, 80), did_you_mean(name, names)
    raise DataError(
        f"A schedule must be on the cluster. Received: {received}. {hint}It has: {', '.join(names) or 'none'}."
    )


def _checked(arguments: argparse.Namespace) -> tuple[ScheduleFile, str]:
    """Return the schedules, each as the cluster would take it, and the name of the pipeline that they run."""
    pipeline = load_pipeline(arguments.pipeline)
    file = read_schedules(arguments.file, pipeline.parameters)
    for schedule in file.schedules:
        check_for_cluster(pipeline, schedule.parameters)
        check_places(schedule.parameters)
    check_clocks(file)
    return file, pipeline.name


def _there(kfp: KfpApi, arguments: argparse.Namespace) -> list[RecurringRun]:
    pipeline_id = find_pipeline(kfp, load_pipeline(arguments.pipeline).name)
    return list_recurring(kfp, pipeline_id) if pipeline_id else []


def _planned(kfp: KfpApi, file: ScheduleFile, version: PipelineVersion, prune: bool) -> list[Change]:
    there = list_recurring(kfp, version.pipeline_id) if version.pipeline_id else []
    return plan(file.schedules, there, version, prune)


def _print_changes(arguments: argparse.Namespace, file: ScheduleFile, changes: Sequence[Change]) -> None:
    if arguments.json:
        print(json_text([change_as_json(change) for change in changes]), end="")
        return
    for change in changes:
        print(change_words(change, file.controller_time_zone))
    if not any(change.is_one for change in changes):
        print("nothing to change")
