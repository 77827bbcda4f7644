"""train: a classifier from the train table, watched on the validation table; the bundle out."""

import argparse
import csv
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.dataset import open_dataset
from components.files import atomic_write, write_json, write_text
from components.outputs import ExecutorOutputs
from components.reports import render_report
from components.samples import read_split_table
from components.step import run_step, step_parser

if TYPE_CHECKING:
    from components.bundle_writer import Provenance
    from components.head import Epoch

log = logging.getLogger("pawline")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m components.train`."""
    parser = step_parser("train", "Train a classifier on a frozen backbone and write its bundle.")
    parser.add_argument("--dataset-uri", required=True, help="the dataset that extract wrote")
    parser.add_argument("--train-samples", required=True, type=Path, help="the train table (CSV) that split wrote")
    parser.add_argument("--validation-samples", required=True, type=Path, help="the validation table (CSV)")
    parser.add_argument("--backbone", default="efficientnet_lite0", help="pretrained network, e.g. vgg16")
    parser.add_argument("--weights", default="imagenet", help="imagenet, none or the URI of a weights file")
    parser.add_argument("--image-size", type=int, default=0, help="pixels a side; 0 for the backbone's own")
    parser.add_argument("--epochs", type=int, default=30, help="passes over the training samples")
    parser.add_argument("--batch-size", type=int, default=32, help="samples a step")
    parser.add_argument("--learning-rate", type=float, default=0.001, help="Adam's learning rate")
    parser.add_argument("--seed", type=int, default=0, help="the run's seed")
    parser.add_argument("--bundle", required=True, type=Path, help="folder to write the bundle to")
    parser.add_argument("--metrics", required=True, type=Path, help="where to write the metrics (JSON)")
    parser.add_argument("--history", required=True, type=Path, help="where to write every epoch (CSV)")
    parser.add_argument("--report", required=True, type=Path, help="where to write the report (HTML)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the step's command; return its exit code."""
    return run_step(build_parser(), argv, _act)


def _act(arguments: argparse.Namespace, outputs: ExecutorOutputs) -> None:
    started = time.monotonic()
    # Here, since Keras takes seconds to import and the command line's help should not.
    from components.bundle_writer import Provenance, save_bundle
    from components.head import Recipe, best_epoch
    from components.training import BackboneChoice, train_classifier

    dataset = open_dataset(arguments.dataset_uri)
    train = read_split_table(arguments.train_samples, "train")
    validation = read_split_table(arguments.validation_samples, "validation")
    recipe = Recipe(arguments.epochs, arguments.batch_size, arguments.learning_rate, arguments.seed)
    choice = BackboneChoice(arguments.backbone, arguments.weights, arguments.image_size)
    trained = train_classifier(dataset, train, validation, choice, recipe)
    best = best_epoch(trained.history)
    metrics = _metrics(best, len(train), len(validation))
    provenance = Provenance(
        class_names=list(dataset.class_names),
        image_size=trained.network.input_shape[1],
        backbone=trained.backbone,
        weights=arguments.weights,
        dataset_fingerprint=dataset.fingerprint,
        split_seed=arguments.seed,
        training=asdict(recipe),
        metrics=metrics,
    )
    log.info("epoch %d kept; writing the bundle and its ONNX twin", best.epoch)
    save_bundle(arguments.bundle, trained.network, trained.golden_images, provenance)
    _write_history(arguments.history, trained.history, best)
    _write_report(arguments.report, trained.history, best, provenance)
    metrics = {**metrics, "seconds": round(time.monotonic() - started, 1)}
    write_json(arguments.metrics, metrics)
    outputs.metrics("metrics", metrics)
    outputs.metadata("bundle", _bundle_metadata(provenance))


def _metrics(best: "Epoch", train_samples: int, validation_samples: int) -> dict[str, float]:
    return {
        "best_epoch": best.epoch,
        "validation_loss": best.validation_loss,
        "validation_accuracy": best.validation_accuracy,
        "train_accuracy": best.accuracy,
        "train_samples": train_samples,
        "validation_samples": validation_samples,
    }


def _bundle_metadata(provenance: "Provenance") -> dict[str, Any]:
    return {
        "framework": "keras",
        "class_names": provenance.class_names,
        "image_size": provenance.image_size,
        "backbone": provenance.backbone,
        "dataset_fingerprint": provenance.dataset_fingerprint,
    }


def _write_history(path: Path, history: Sequence["Epoch"], best: "Epoch") -> None:
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*asdict(best), "kept"])
        writer.writerows([*asdict(epoch).values(), str(epoch == best).lower()] for epoch in history)


def _write_report(path: Path, history: Sequence["Epoch"], best: "Epoch", provenance: "Provenance") -> None:
    def line(name: str, field: str) -> dict[str, Any]:
        return {"name": name, "points": [(epoch.epoch, getattr(epoch, field)) for epoch in history]}

    html = render_report(
        "train.html.j2",
        best=best,
        epochs=len(history),
        losses=[line("train", "loss"), line("validation", "validation_loss")],
        accuracies=[line("train", "accuracy"), line("validation", "validation_accuracy")],
        provenance=provenance,
    )
    write_text(path, html)


if __name__ == "__main__":
    sys.exit(main())
