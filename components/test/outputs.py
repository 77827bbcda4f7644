"""What test writes: files for programs, views for people, and what the pipeline's own page shows."""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.metrics.curve_tables import curve_points
from components.metrics.curves import thinned
from components.step.files import write_json, write_text
from components.step.outputs import ExecutorOutputs
from components.test.facts import data_facts
from components.test.label_errors import write_label_errors_csv, write_labels_to_check
from components.test.loading import AskedBundle
from components.test.near_duplicates import write_near_duplicates_csv
from components.test.predictions import write_predictions_csv, write_predictions_json, write_probabilities
from components.test.report import markdown_summary, write_test_report
from components.test.report_samples import refer_to_report, report_data
from components.test.results import Results

# What the pipeline's page shows lies in a database, and KFP's launcher prints it into the step's log, a number a line.
# The whole of both has its own file, and stands in the report.
MOST_CLASSES_ON_PAGE = 20
MOST_POINTS_ON_PAGE = 20
# What a person opens beside the numbers.
_FILES = ("report", "summary", "predictions_csv", "label_errors", "labels_to_check", "near_duplicates")


def write_results(arguments: argparse.Namespace, results: Results) -> None:
    """Write the files for programs where `arguments` say: predictions, matrix, curve, lists, metrics.

    Raises:
        ServiceError: a file cannot be written.
    """
    findings = results.findings
    predictions = refer_to_report(results.tested.predictions, findings.thumbnails)
    write_predictions_json(arguments.predictions, predictions)
    write_predictions_csv(arguments.predictions_csv, predictions)
    if arguments.probabilities:
        path, all_of_them = Path(arguments.probabilities), results.tested.probabilities
        write_probabilities(path, predictions, all_of_them, results.class_names)
    write_json(arguments.confusion_matrix, {"class_names": results.class_names, "matrix": results.confusion})
    if arguments.roc:
        write_json(Path(arguments.roc), curve_points(results.roc, "false_positive_rate", "true_positive_rate"))
    if arguments.label_errors:
        write_label_errors_csv(Path(arguments.label_errors), findings.doubts)
    if arguments.labels_to_check:
        write_labels_to_check(Path(arguments.labels_to_check), findings.doubts)
    if arguments.near_duplicates:
        write_near_duplicates_csv(Path(arguments.near_duplicates), findings.duplicates)
    write_json(arguments.metrics, results.metrics)


def write_views(
    arguments: argparse.Namespace,
    results: Results,
    bundle: AskedBundle,
    provenance: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
) -> None:
    """Write the report, and the summary if `arguments` ask for it.

    Raises:
        ServiceError: a file cannot be written.
    """
    shown = report_data(results, bundle.manifest.temperature)
    facts = data_facts(bundle, results.tested.predictions)
    write_test_report(arguments.report, results.statistics, shown, provenance, history, facts)
    if arguments.summary:
        write_text(Path(arguments.summary), markdown_summary(results.statistics, shown))


def written(arguments: argparse.Namespace) -> list[Path]:
    """Return the files for people that `arguments` name."""
    return [Path(getattr(arguments, name)) for name in _FILES if getattr(arguments, name)]


def show_results(outputs: ExecutorOutputs, results: Results) -> None:
    """Show numbers, matrix and curve on the pipeline's page."""
    outputs.metrics("metrics", results.metrics)
    outputs.metadata("statistics", {name: results.statistics[name] for name in ("ok", "ko", "total")})
    if len(results.class_names) <= MOST_CLASSES_ON_PAGE:
        outputs.confusion_matrix("confusion_matrix", results.class_names, results.confusion)
    curve = thinned(results.roc, MOST_POINTS_ON_PAGE)
    points = zip(curve.x, curve.y, curve.thresholds, strict=True)
    # The first threshold, above all probabilities, is infinite, which JSON cannot say.
    outputs.roc_curve("roc", [(float(x), float(y), float(t) if math.isfinite(t) else 1.0) for x, y, t in points])
