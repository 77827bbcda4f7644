"""promote: the bundle just trained replaces the champion in the model registry, if the evidence says so."""

import argparse
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from components.bundle.manifest import read_manifest, verify_files
from components.bundle.signature import check_signature
from components.dataset.samples import Split, read_split_table
from components.dataset.snapshot import open_dataset
from components.parameters.numbers import check_batch_size
from components.parameters.policy import PromotionPolicy, read_policy
from components.promote.decision import decision_json
from components.promote.description import read_statistics
from components.promote.evidence import Challenger
from components.promote.promotion import Entry, Outcome, promote
from components.promote.report import write_promotion_report
from components.promote.tracking import run_of, track_results, tracked
from components.registry.runs import Run
from components.registry.versions import open_registry
from components.signing.trust import trust_from
from components.step.command import run_step, step_parser
from components.step.errors import one_line
from components.step.files import write_json
from components.step.outputs import ExecutorOutputs
from components.test.checks import check_fit, check_labels

log = logging.getLogger("pawline")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.promote`."""
    parser = step_parser("promote", "Make the bundle the champion of the model registry, if the evidence says so.")
    add = parser.add_argument
    add("--dataset-uri", required=True, help="the dataset that extract wrote")
    add("--bundle", required=True, type=Path, help="the folder that train wrote")
    add("--train-samples", required=True, type=Path, help="the train table (CSV) that split wrote")
    add("--validation-samples", required=True, type=Path, help="the validation table (CSV) that split wrote")
    add("--test-samples", required=True, type=Path, help="the test table (CSV) that split wrote")
    add("--statistics", default="", help="the statistics (JSON) that test wrote, for the version's description")
    add("--batch-size", type=int, default=32, help="images read at once; changes no result")
    add("--model-name", default="pawline", help="the registered model in MLflow")
    add("--promotion-policy", default="", help="the policy as YAML text or where it lies; the default one if empty")
    add("--dry-run", type=_boolean, nargs="?", const=True, default=False, help="true: decide without acting")
    add("--run", default="", help="name of the pipeline run, for the version's tags")
    add("--decision", required=True, type=Path, help="where to write the decision (JSON)")
    add("--metrics", required=True, type=Path, help="where to write the metrics (JSON)")
    add("--report", required=True, type=Path, help="where to write the report (HTML)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step's command; return its exit code."""
    return run_step(build_parser(), argv, _act)


def _act(arguments: argparse.Namespace, outputs: ExecutorOutputs) -> None:
    policy, trust = read_policy(arguments.promotion_policy), trust_from(os.environ)
    check_batch_size(arguments.batch_size)
    if trust:
        check_signature(arguments.bundle, trust)
    challenger = _challenger(arguments)
    statistics = read_statistics(arguments.statistics)
    registry = open_registry(os.environ, arguments.model_name)
    acts = registry is not None and not arguments.dry_run
    run = run_of(registry, challenger, arguments.report) if registry and acts else Run()
    name = "" if arguments.run.startswith("{{$") else arguments.run  # Some backends do not fill it in.
    entry = Entry(run, name, statistics)
    with tracked(run, challenger, statistics, arguments) as tracker:
        outcome = promote(
            challenger, registry, policy, entry=entry, batch_size=arguments.batch_size, dry_run=arguments.dry_run
        )
        decided, metrics = _written(arguments, challenger, outcome, policy)
        track_results(tracker, metrics, decided, outcome.made, (arguments.report, arguments.decision))
    outputs.parameter("verdict", outcome.decision.verdict)
    outputs.metrics("metrics", metrics)
    outputs.metadata("decision", {"verdict": outcome.decision.verdict, "champion_version": outcome.champion})
    _tell(outcome, arguments.dry_run)


def _written(
    arguments: argparse.Namespace, challenger: Challenger, outcome: Outcome, policy: PromotionPolicy
) -> tuple[dict[str, Any], dict[str, float]]:
    """Write report, metrics and decision; return the decision and the metrics."""
    decided = decision_json(
        outcome.decision, outcome.gathered.evidence, policy, arguments.model_name, arguments.dry_run
    )
    metrics = _metrics(outcome)
    write_promotion_report(arguments.report, challenger.dataset, outcome.gathered.answers, decided)
    write_json(arguments.metrics, metrics)
    write_json(arguments.decision, decided)
    return decided, metrics


def _challenger(arguments: argparse.Namespace) -> Challenger:
    manifest = read_manifest(arguments.bundle)
    verify_files(arguments.bundle, manifest)
    places: dict[Split, Path] = {
        "train": arguments.train_samples,
        "validation": arguments.validation_samples,
        "test": arguments.test_samples,
    }
    tables = {split: read_split_table(place, split) for split, place in places.items()}
    dataset = open_dataset(arguments.dataset_uri)
    check_labels(manifest.class_names, tables["test"])
    check_fit(manifest.class_names, dataset, tables)
    return Challenger(arguments.bundle, manifest, dataset, tables)


def _metrics(outcome: Outcome) -> dict[str, float]:
    comparison = outcome.gathered.evidence.comparison
    names = ("champion_accuracy", "challenger_accuracy", "difference", "low", "high", "p_value", "samples")
    found: dict[str, Any] = {name: asdict(comparison)[name] for name in names} if comparison else {}
    latency = {} if outcome.latency_ms is None else {"latency_ms": outcome.latency_ms}
    return {"promoted": int(outcome.decision.promotes), **found, **latency}


def _tell(outcome: Outcome, dry_run: bool) -> None:
    for reason in outcome.decision.reasons:
        log.info("%s", one_line(reason, 2000))
    after = f"the champion is version {outcome.champion}" if outcome.champion else "there is no champion"
    alone = " on this run's test set alone" if outcome.gathered.evidence.lost else ""
    done = " (dry run: nothing was done)" if dry_run else ""
    log.info("verdict: %s%s%s; %s", outcome.decision.verdict, alone, done, after)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"must be true or false. Received: {one_line(text, 80)}.")
    return text.lower() == "true"
