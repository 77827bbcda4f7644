"""`pawline submit`: a run begun on a cluster, with parameters as `pawline run` takes them."""

import argparse
import sys
import time
from datetime import datetime
from typing import Any

from components.step.errors import DataError, one_line
from components.step.files import json_text
from pipeline.cli.cluster_parameters import check_for_cluster, check_places
from pipeline.cli.connection import connected
from pipeline.cluster.experiments import experiment_id
from pipeline.cluster.kfp_api import KfpApi, Unreachable
from pipeline.cluster.pipeline_versions import PipelineVersion, find_version, uploaded_version
from pipeline.cluster.runs import ClusterRun, begin_run, get_run
from pipeline.cluster.tasks import steps_of
from pipeline.compiled import CompiledPipeline, load_pipeline
from pipeline.config import read_configs
from pipeline.parameters import parse_parameters

LOOK_SECONDS = 5.0


def submit(arguments: argparse.Namespace) -> None:
    """Begin a run on the cluster that `arguments` name, print its id and link, and with --wait wait for its end.

    Raises:
        UsageError: a parameter or file is not legal, or no server is named; nothing has been begun.
        DataError: the server refuses the run, or it did not succeed while it was waited for.
        ServiceError: the server does not answer.
    """
    pipeline = load_pipeline(arguments.pipeline)
    given = _given(arguments, pipeline)
    check_for_cluster(pipeline, given)
    check_places(given)
    kfp = connected(arguments)
    found = find_version(kfp, pipeline.name, arguments.pipeline)
    version = uploaded_version(kfp, pipeline.name, arguments.pipeline, found)
    name = arguments.name or f"{pipeline.name}-{datetime.now():%Y%m%d-%H%M%S}"
    run = begin_run(kfp, _body(name, version, given, experiment_id(kfp, arguments.experiment)))
    _print(arguments, kfp, run, version)
    if arguments.wait:
        _wait(kfp, run, pipeline)


def _given(arguments: argparse.Namespace, pipeline: CompiledPipeline) -> dict[str, Any]:
    """Return the parameters that were given: the server knows the defaults of the others."""
    configured = read_configs(arguments.config, pipeline.parameters)
    values = parse_parameters(arguments.param, pipeline.parameters, configured)
    named = {*configured, *(assignment.partition("=")[0] for assignment in arguments.param)}
    return {name: value for name, value in values.items() if name in named}


def _body(name: str, version: PipelineVersion, given: dict[str, Any], experiment: str) -> dict[str, Any]:
    body = {
        "display_name": name,
        "pipeline_version_reference": version.as_reference(),
        "runtime_config": {"parameters": given},
    }
    return body | ({"experiment_id": experiment} if experiment else {})


def _print(arguments: argparse.Namespace, kfp: KfpApi, run: ClusterRun, version: PipelineVersion) -> None:
    link = kfp.server.page_of(run.id)
    if arguments.json:
        print(json_text({"run_id": run.id, "name": run.name, "version": version.name, "link": link}), end="")
    else:
        print(f"run {run.id}: {one_line(run.name, 80)}, pipeline {version.name}\n{link}")
        print(f"`pawline status {run.id}` says how far it is, `pawline logs {run.id} -f` what it says")
    sys.stdout.flush()


def _wait(kfp: KfpApi, run: ClusterRun, pipeline: CompiledPipeline) -> None:
    """Say each change of a step on standard error until `run` has ended; a lost connection is waited out."""
    before: dict[str, str] = {}
    lost = False
    while True:
        try:
            run, lost = get_run(kfp, run.id), False
        except Unreachable as error:
            if not lost:
                print(f"warning: {error} Trying again.", file=sys.stderr)
            lost = True
        now = {step.name: step.state for step in steps_of(run.answer, [step.name for step in pipeline.steps])}
        for name, state in now.items():
            if before.get(name, "waiting") != state:
                print(f"{datetime.now():%H:%M:%S} {name:<7} | {state}", file=sys.stderr)
        before = now
        if run.ended:
            break
        time.sleep(LOOK_SECONDS)
    if run.state not in ("SUCCEEDED", "SKIPPED"):
        raise DataError(
            f"A run must succeed. Received: {run.id}, {run.state.lower()}. `pawline status {run.id}` says why."
        )
