"""test: the bundle on the test samples it has never seen."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from components.bundle import Bundle, load_bundle
from components.dataset import Dataset, open_dataset
from components.errors import DataError, UsageError, first_ten, one_line
from components.evaluation_report import write_evaluation_report
from components.files import write_json
from components.image_batches import image_batches
from components.outputs import ExecutorOutputs
from components.predictions import (
    Prediction,
    confusion,
    predict_sample,
    statistics,
    write_predictions_csv,
    write_predictions_json,
)
from components.progress import Progress
from components.samples import Sample, read_split_table
from components.step import run_step, step_parser

log = logging.getLogger("pawline")


def evaluate_model(bundle: Bundle, dataset: Dataset, samples: Sequence[Sample], batch_size: int) -> list[Prediction]:
    """Return the bundle's prediction for each of `samples`, sorted by file name.

    Raises:
        UsageError: `batch_size` is not positive.
        DataError: there are no samples, one has a label that the bundle does not know, or its image is damaged.
    """
    _check(bundle, samples, batch_size)
    predictions = []
    with Progress("predicting", len(samples)) as progress:
        for batch, pixels in image_batches(dataset, samples, bundle.image_size, batch_size):
            probabilities = bundle.predict(pixels)
            predictions += [predict_sample(s, p, bundle.class_names) for s, p in zip(batch, probabilities, strict=True)]
            progress.advance(len(batch))
    return sorted(predictions, key=lambda prediction: prediction.filename)


def _check(bundle: Bundle, samples: Sequence[Sample], batch_size: int) -> None:
    if batch_size < 1:
        raise UsageError(f"batch_size must be at least 1. Received: batch_size={batch_size}. Correct it.")
    if not samples:
        raise DataError(
            "There must be test samples. Received: an empty test table. Run split with a larger test_ratio."
        )
    unknown = sorted({sample.label for sample in samples} - set(bundle.class_names))
    if unknown:
        raise DataError(
            f"The bundle must know every class of the test samples. Received: {first_ten(unknown)}, "
            f"the bundle knows {one_line(bundle.class_names)}. Train a bundle on this dataset."
        )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.test`."""
    parser = step_parser("test", "Predict the test samples and write how good the bundle is.")
    parser.add_argument("--dataset-uri", required=True, help="the dataset that extract wrote")
    parser.add_argument("--bundle", required=True, type=Path, help="the folder that train wrote")
    parser.add_argument("--test-samples", required=True, type=Path, help="the test table (CSV) that split wrote")
    parser.add_argument("--batch-size", type=int, default=32, help="images a forward pass")
    parser.add_argument("--statistics", required=True, type=Path, help="where to write the statistics (JSON)")
    parser.add_argument("--predictions", required=True, type=Path, help="where to write the predictions (JSON)")
    parser.add_argument("--predictions-csv", required=True, type=Path, help="where to write the predictions (CSV)")
    parser.add_argument("--metrics", required=True, type=Path, help="where to write the metrics (JSON)")
    parser.add_argument("--confusion-matrix", required=True, type=Path, help="where to write the matrix (JSON)")
    parser.add_argument("--report", required=True, type=Path, help="where to write the test report (HTML)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step's command; return its exit code."""
    return run_step(build_parser(), argv, _act)


def _act(arguments: argparse.Namespace, outputs: ExecutorOutputs) -> None:
    samples = read_split_table(arguments.test_samples, "test")
    dataset = open_dataset(arguments.dataset_uri)
    bundle = load_bundle(arguments.bundle)
    predictions = evaluate_model(bundle, dataset, samples, arguments.batch_size)
    found = statistics(predictions, bundle.class_names)
    matrix = confusion(predictions, bundle.class_names).tolist()
    write_predictions_json(arguments.predictions, predictions)
    write_predictions_csv(arguments.predictions_csv, predictions)
    write_json(arguments.confusion_matrix, {"class_names": bundle.class_names, "matrix": matrix})
    provenance = {
        "bundle": arguments.bundle,
        "backbone": bundle.manifest.backbone,
        "test dataset": dataset.fingerprint,
    }
    write_evaluation_report(arguments.report, dataset, samples, predictions, found, matrix, provenance)
    metrics = {name: found[name] for name in ("accuracy", "macro_f1")}
    write_json(arguments.metrics, metrics)
    write_json(arguments.statistics, found)
    outputs.metrics("metrics", metrics)
    outputs.metadata("statistics", {name: found[name] for name in ("ok", "ko", "total")})
    outputs.confusion_matrix("confusion_matrix", bundle.class_names, matrix)
    low, high = found["accuracy_interval_95"]
    log.info(
        "%d of %d right, accuracy %.3f (95 %% interval %.3f to %.3f)",
        found["ok"],
        found["total"],
        found["accuracy"],
        low,
        high,
    )


if __name__ == "__main__":
    sys.exit(main())
