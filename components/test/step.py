"""test: the bundle on the test samples it has never seen."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from components.dataset.samples import read_split_table
from components.dataset.snapshot import open_dataset
from components.engine.opening import open_engine
from components.features.neighbours import NeighbourIndex
from components.features.training_table import read_training_features
from components.parameters.engines import ENGINES, LOCAL, check_engine
from components.parameters.numbers import check_batch_size
from components.parameters.own_function import find_function
from components.parameters.roles import EVALUATOR
from components.step.command import run_step, step_parser
from components.step.files import write_json
from components.step.outputs import ExecutorOutputs
from components.test.checks import check_fit, check_labels
from components.test.facts import provenance_of
from components.test.loading import load_tested
from components.test.outputs import show_results, write_results, write_views
from components.test.own_evaluator import with_own_figures
from components.test.results import Results, results_of
from components.test.tracking import track_results, tracked
from components.train.outputs import read_history

log = logging.getLogger("pawline")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.test`."""
    parser = step_parser("test", "Predict the test samples and write how good the bundle is, and where it is wrong.")
    add = parser.add_argument
    add("--dataset-uri", required=True, help="the dataset that extract wrote")
    add("--bundle", required=True, type=Path, help="the folder that train wrote")
    add("--test-samples", required=True, type=Path, help="the test table (CSV) that split wrote")
    add("--training-features", default="", help="train's features, to look for neighbours in; none if empty")
    add("--history", default="", help="train's history (CSV), for the report's learning curves; none if empty")
    add("--evaluator", default="", help="module:function that gives figures of your own; none if empty")
    add("--batch-size", type=int, default=32, help="images read at once, rounded up to eights; changes no result")
    add("--engine", default=LOCAL, help=f"who looks at the images: {' or '.join(ENGINES)}")
    add("--ray-address", default="", help="of engine=ray: ray://host:10001, or on a node host:6379")
    _add_outputs(parser)
    return parser


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--statistics", required=True, type=Path, help="where to write the statistics (JSON)")
    add("--predictions", required=True, type=Path, help="where to write the predictions (JSON)")
    add("--predictions-csv", required=True, type=Path, help="where to write the predictions (CSV)")
    add("--probabilities", default="", help="where to write every class's probability (Parquet); none if empty")
    add("--metrics", required=True, type=Path, help="where to write the metrics (JSON)")
    add("--confusion-matrix", required=True, type=Path, help="where to write the matrix (JSON)")
    add("--report", required=True, type=Path, help="where to write the test report (HTML)")
    add("--roc", default="", help="where to write the ROC curve of all classes together (JSON); none if empty")
    add("--summary", default="", help="where to write the summary (Markdown); none if empty")
    add("--label-errors", default="", help="where to write every label, the most doubtful first (CSV); none if empty")
    add("--labels-to-check", default="", help="where to write the suspected labels for ecotag (JSON); none if empty")
    add("--near-duplicates", default="", help="where to write test images that resemble others (CSV); none if empty")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step's command; return its exit code."""
    return run_step(build_parser(), argv, _act)


def _act(arguments: argparse.Namespace, outputs: ExecutorOutputs) -> None:
    check_batch_size(arguments.batch_size)  # Before anything that takes time.
    check_engine(arguments.engine, arguments.ray_address)
    if arguments.evaluator:
        find_function(arguments.evaluator, EVALUATOR)
    samples = read_split_table(arguments.test_samples, "test")
    dataset = open_dataset(arguments.dataset_uri)
    history = read_history(Path(arguments.history)) if arguments.history else []
    index = _index(arguments.training_features)
    bundle = load_tested(arguments.bundle)
    check_labels(bundle.class_names, samples)
    known = check_fit(bundle.class_names, dataset, {"test": samples})
    with tracked(arguments, bundle, dataset, len(samples)) as tracker:
        with open_engine(arguments.engine, arguments.ray_address) as cluster:
            results = results_of(bundle, dataset, known, samples, arguments.batch_size, index, cluster)
        if arguments.evaluator:
            results = with_own_figures(results, arguments.evaluator)
        _log(results)
        write_results(arguments, results)
        write_views(arguments, results, bundle, provenance_of(bundle, dataset), history)
        write_json(arguments.statistics, results.statistics)  # Last: where it is, all is.
        track_results(tracker, results, arguments)
    show_results(outputs, results)


def _index(training_features: str) -> NeighbourIndex | None:
    return NeighbourIndex(read_training_features(Path(training_features))) if training_features else None


def _log(results: Results) -> None:
    found, metrics = results.statistics, results.metrics
    low, high = found["accuracy_interval_95"]
    log.info(
        "%d of %d right, accuracy %.3f (95 %% interval %.3f to %.3f)",
        found["ok"], found["total"], found["accuracy"], low, high,
    )  # fmt: skip
    suspected = metrics["suspected_label_errors"]
    log.info(
        "labels suspected: %s, near-duplicates in the other splits: %s",
        suspected if results.findings.believed else "none, as the model is not clearly better than chance",
        metrics.get("near_duplicates", "not looked for"),
    )  # fmt: skip
    for note in results.notes:
        log.warning("%s", note)
