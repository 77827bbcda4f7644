"""What train tells of a training: metrics, provenance, and what KFP shows beside the bundle."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from components.bundle import Provenance
from components.dataset import Dataset
from components.recipe import recipe_from
from components.stopwatch import Stopwatch

if TYPE_CHECKING:
    from components.training import Trained


def metrics_of(trained: "Trained", train_samples: int, validation_samples: int) -> dict[str, float]:
    """Return the metrics of the kept epoch and the numbers of samples."""
    best = trained.best
    return {
        "best_epoch": best.epoch,
        "validation_loss": best.validation_loss,
        "validation_accuracy": best.validation_accuracy,
        "train_accuracy": best.accuracy,
        "train_samples": train_samples,
        "validation_samples": validation_samples,
    }


def seconds_by_activity(stopwatch: Stopwatch) -> dict[str, float]:
    """Return `seconds` in all and `seconds_<activity>` for each; `seconds_read` went by beside the others."""
    each = {**stopwatch.rounded_beside(), **stopwatch.rounded()}
    parts = {f"seconds_{name}": value for name, value in each.items()}
    return {"seconds": round(stopwatch.total(), 1), **parts}


def provenance_of(
    arguments: argparse.Namespace, dataset: Dataset, trained: "Trained", metrics: dict[str, float]
) -> Provenance:
    """Return what the bundle says of its origin."""
    return Provenance(
        class_names=list(dataset.class_names),
        image_size=trained.network.input_shape[1],
        backbone=trained.backbone,
        weights=arguments.weights,
        dataset_fingerprint=dataset.fingerprint,
        split_seed=arguments.seed,
        training=asdict(recipe_from(arguments)),
        metrics=dict(metrics),
    )


def bundle_metadata(provenance: Provenance) -> dict[str, Any]:
    """Return what KFP shows of the bundle."""
    return {
        "framework": "keras",
        "class_names": provenance.class_names,
        "image_size": provenance.image_size,
        "backbone": provenance.backbone,
        "dataset_fingerprint": provenance.dataset_fingerprint,
    }
