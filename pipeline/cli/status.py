"""`pawline status`, `cancel` and `retry`: how far a run on a cluster is, and what may be done about it."""

import argparse
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from components.step.durations import duration
from components.step.errors import ServiceError, one_line
from components.step.files import json_text
from pipeline.cli.connection import connected
from pipeline.cluster.diagnosis import reasons_of
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.kubernetes_api import KubernetesApi
from pipeline.cluster.runs import ClusterRun, cancel_run, find_cluster_run, retry_run
from pipeline.cluster.tasks import ClusterStep, steps_of
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.local.display import STYLES


def status(arguments: argparse.Namespace) -> None:
    """Print a run's steps, each with its state, duration, and why it waits or failed.

    Raises:
        UsageError: no server is named.
        DataError: there is no such run.
        ServiceError: the KFP API does not answer.
    """
    kfp = connected(arguments)
    run = find_cluster_run(kfp, arguments.run)
    steps = steps_of(run.answer, [step.name for step in load_pipeline(COMPILED_PIPELINE).steps])
    reasons = _reasons(kfp, run, steps, kfp.server.namespace)
    if arguments.json:
        print(json_text(status_as_json(kfp, run, steps, reasons)), end="")
        return
    console = Console(highlight=False)
    console.print(Text(f"run {run.id}: {one_line(run.name, 80)}, {run.status}"), soft_wrap=True)
    for step in steps:
        console.print(step_line(step, reasons.get(step.name, "")), soft_wrap=True)
    console.print(Text(kfp.server.page_of(run.id)), soft_wrap=True)


def cancel(arguments: argparse.Namespace) -> None:
    """Stop a run; errors are as in `status`, and it must go on still."""
    kfp = connected(arguments)
    run = find_cluster_run(kfp, arguments.run)
    cancel_run(kfp, run)
    print(f"run {run.id}: cancelled")


def retry(arguments: argparse.Namespace) -> None:
    """Let a run go on with what failed; errors are as in `status`, and it must have failed."""
    kfp = connected(arguments)
    run = find_cluster_run(kfp, arguments.run)
    retry_run(kfp, run)
    print(f"run {run.id}: goes on with what failed")


def _reasons(kfp: KfpApi, run: ClusterRun, steps: list[ClusterStep], namespace: str) -> dict[str, str]:
    if run.state in ("SUCCEEDED", "SKIPPED"):
        return {}
    try:
        return reasons_of(kfp, run.id, steps, KubernetesApi(namespace))
    except ServiceError as error:
        print(f"warning: why a pod waits is not known. {error}", file=sys.stderr)
        return reasons_of(kfp, run.id, steps, None)


def step_line(step: ClusterStep, reason: str) -> Text:
    """Return the line that says how far a step is, and why it waits or failed."""
    took = "cached" if step.cached else duration(round(step.seconds)) if step.seconds is not None else ""
    line = Text.assemble(f"{step.name:<8} ", (f"{step.state:<10}", STYLES.get(step.state, "")), f" {took}")
    return line.append(f"  {one_line(reason, 600)}" if reason else "")


def status_as_json(kfp: KfpApi, run: ClusterRun, steps: list[ClusterStep], reasons: dict[str, str]) -> dict[str, Any]:
    """Return what is said of a run for programs."""
    return {
        "run_id": run.id,
        "name": run.name,
        "status": run.status,
        "link": kfp.server.page_of(run.id),
        "parameters": (run.answer.get("runtime_config") or {}).get("parameters") or {},
        "steps": [
            {
                "name": step.name,
                "status": step.state,
                "seconds": step.seconds,
                "cached": step.cached,
                "reason": reasons.get(step.name),
            }
            for step in steps
        ],
    }
