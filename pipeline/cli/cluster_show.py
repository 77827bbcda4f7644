"""`pawline show` and `open` of a run on a cluster: what KFP says of it, and what it has put into the store."""

import argparse
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from components.step.addresses import file_uri
from components.step.durations import duration
from components.step.errors import DataError, PawlineError, one_line
from components.step.files import atomic_write, json_text
from components.step.strict_json import read_json
from components.storage.stores import read_bytes
from pipeline.cli.connection import connected
from pipeline.cli.status import status_as_json, step_line
from pipeline.cluster.diagnosis import reasons_of
from pipeline.cluster.kfp_api import KfpApi
from pipeline.cluster.run_artifacts import ROOT, artifacts_below, parameters_of, place_of_step
from pipeline.cluster.runs import ClusterRun, find_cluster_run
from pipeline.cluster.tasks import ClusterStep, steps_of
from pipeline.compilation import COMPILED_PIPELINE
from pipeline.compiled import load_pipeline
from pipeline.history.overview import RunOverview
from pipeline.history.report_names import REPORTS
from pipeline.history.table import day_and_time
from pipeline.local.display import LINE_LIMIT
from pipeline.local.folder import FETCHED
from pipeline.local.placeholders import text_of
from pipeline.local.results import PLACES, figures_of


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a run: `unknown` says why its artifacts are not, "" where they are."""

    kfp: KfpApi
    run: ClusterRun
    steps: list[ClusterStep]
    artifacts: dict[str, dict[str, str]]
    unknown: str

    def read(self, step: str, artifact: str) -> dict[str, Any]:
        """Return a JSON artifact, empty where there is none that can be read."""
        try:
            found = read_json(read_bytes(self.artifacts[step][artifact]))
        except (LookupError, ValueError, PawlineError):
            return {}
        return found if isinstance(found, dict) else {}


def show_of_cluster(arguments: argparse.Namespace) -> None:
    """Print all that is known of the run on the cluster that `arguments` name.

    Raises:
        UsageError: no server is named.
        DataError: there is no such run.
        ServiceError: the KFP API does not answer.
    """
    known = _known(arguments)
    reasons = reasons_of(known.kfp, known.run.id, known.steps, None)
    parameters, statistics = parameters_of(known.kfp, known.run), known.read("test", "statistics")
    decision = known.read("promote", "decision")
    if arguments.json:
        found = status_as_json(known.kfp, known.run, known.steps, reasons)
        results = _overview(known.run, statistics, decision, parameters).as_json()
        found |= {"parameters": parameters, "artifacts": known.artifacts, "results": results}
        print(json_text(found), end="")
        return
    promotion = {"promotion": str(decision["verdict"])} if decision.get("verdict") else {}
    _print(known, reasons, figures_of(statistics) | promotion | _places(known.artifacts), parameters)


def link_of_cluster(arguments: argparse.Namespace) -> str:
    """Return the link to the report that `arguments` name, fetched from the store; else to the run's page in KFP.

    Raises:
        UsageError: no server is named.
        DataError: there is no such run, or it has not the report that is asked for by name.
        ServiceError: the KFP API does not answer, or the report's store breaks off.
    """
    known = _known(arguments)
    there = {name: known.artifacts[step]["report"] for name, step in REPORTS.items() if _has_report(known, step)}
    name = arguments.report or next(iter(there), "")
    if name in there:
        path = arguments.runs / FETCHED / f"{quote(known.run.id, safe='')}-{name}.html"
        with atomic_write(path) as temporary:
            temporary.write_bytes(read_bytes(there[name]))
        return file_uri(path.resolve())
    link = known.kfp.server.page_of(known.run.id)
    if arguments.report and not known.unknown:
        raise DataError(
            f"A report is there once its step is done. Received: {known.run.id}, {known.run.status}, without a {name} "
            f"report. It has: {', '.join(there) or 'none'}. Its page: {one_line(link, 300)}."
        )
    print(f"warning: no report is there; this is its page. {known.unknown}".rstrip(), file=sys.stderr)
    return link


def _known(arguments: argparse.Namespace) -> _Known:
    kfp = connected(arguments)
    run, pipeline = find_cluster_run(kfp, arguments.run), load_pipeline(COMPILED_PIPELINE)
    steps = steps_of(run.answer, [step.name for step in pipeline.steps])
    artifacts: dict[str, dict[str, str]] = {}
    try:
        for step in pipeline.steps:
            if place := place_of_step(run, pipeline.name, step.name):
                artifacts[step.name] = artifacts_below(place, step.output_artifacts)
        unknown = "" if artifacts else f"{ROOT} names the store where it put them, as s3://bucket/prefix."
    except PawlineError as error:
        unknown = str(error)
    return _Known(kfp, run, steps, artifacts, unknown)


def _has_report(known: _Known, step: str) -> bool:
    return "report" in known.artifacts.get(step, {})


def _print(known: _Known, reasons: dict[str, str], results: dict[str, str], parameters: dict[str, Any]) -> None:
    console, run = Console(highlight=False), known.run
    took = f" after {duration(round(run.seconds))}" if run.seconds is not None else ""
    _say(console, Text(f"run {run.id}: {one_line(run.name, 80)}, {run.status}{took}"))
    for step in known.steps:
        _say(console, step_line(step, reasons.get(step.name, "")))
    if known.unknown:
        print(f"warning: what it has given is not known. {known.unknown}", file=sys.stderr)
    results |= {"page": known.kfp.server.page_of(run.id)}
    width = max(map(len, results))
    for name, value in results.items():
        _say(console, Text.assemble((f"{name:<{width}}", "bold"), f"  {one_line(value, LINE_LIMIT)}"))
    begun = f"begun {day_and_time(moment)} " if (moment := _started(run)) else ""
    _say(console, Text(f"\n{begun}with these parameters", style="bold"))
    for name, value in sorted(parameters.items()):
        _say(console, Text.assemble((f"{one_line(name, 80)}  ", "dim"), one_line(text_of(value), LINE_LIMIT)))


def _say(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)


def _places(artifacts: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: artifacts[step][output] for step, output, name in PLACES if output in artifacts.get(step, {})}


def _overview(
    run: ClusterRun, statistics: dict[str, Any], decision: dict[str, Any], parameters: dict[str, Any]
) -> RunOverview:
    """Return what a list of runs here would say of it."""
    return RunOverview(
        run.id,
        run.status,
        _started(run),
        run.seconds,
        statistics.get("accuracy"),
        statistics.get("accuracy_interval_95"),
        parameters.get("backbone"),
        promotion=decision.get("verdict"),
    )


def _started(run: ClusterRun) -> datetime | None:
    try:
        return datetime.fromisoformat(str(run.answer.get("created_at")))
    except ValueError:
        return None
