"""What train tells of a training: metrics, provenance, and what KFP shows beside the bundle."""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING, Any

from components.bundle.manifest import Provenance
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.parameters.recipe import recipe_from
from components.step.program import program_facts
from components.step.stopwatch import Stopwatch

if TYPE_CHECKING:
    from components.train.kept_network import Outcome
    from components.train.training import Trained


MOST_SIZES = 200


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
    arguments: argparse.Namespace,
    dataset: Dataset,
    tables: tuple[Sequence[Sample], Sequence[Sample]],
    trained: "Trained",
    outcome: "Outcome",
    metrics: dict[str, float],
) -> Provenance:
    """Return what the bundle says of its origin; `tables` are the train and the validation samples."""
    return Provenance(
        class_names=list(dataset.class_names),
        image_size=trained.network.input_shape[1],
        backbone=trained.backbone,
        weights=trained.weights,
        dataset_fingerprint=dataset.fingerprint,
        split_seed=arguments.seed,
        training=asdict(recipe_from(arguments)),
        metrics=dict(metrics),
        temperature=outcome.temperature,
        data=data_facts(*tables, outcome.confusion),
        build=program_facts(os.environ),
    )


def data_facts(train: Sequence[Sample], validation: Sequence[Sample], confusion: list[list[int]]) -> dict[str, Any]:
    """Return what a bundle says of its data, as plain JSON values.

    `splits` counts the samples by class, `width` and `height` are pixels, `sizes` lists the most frequent ones as
    `[width, height, count]`, `validation_confusion_matrix` has the truth in rows, both in the order of class_names.
    """
    samples = [*train, *validation]
    sizes = Counter((sample.width, sample.height) for sample in samples)
    tables = {"train": train, "validation": validation}
    return {
        "splits": {name: dict(sorted(Counter(s.label for s in table).items())) for name, table in tables.items()},
        "width": _spread([sample.width for sample in samples]),
        "height": _spread([sample.height for sample in samples]),
        "sizes": [[*size, count] for size, count in sizes.most_common(MOST_SIZES)],
        "validation_confusion_matrix": confusion,
    }


def _spread(pixels: Sequence[int]) -> dict[str, float]:
    return {"min": min(pixels), "median": median(pixels), "max": max(pixels)}


def bundle_metadata(provenance: Provenance) -> dict[str, Any]:
    """Return what KFP shows of the bundle."""
    return {
        "framework": "keras",
        "class_names": provenance.class_names,
        "image_size": provenance.image_size,
        "backbone": provenance.backbone,
        "dataset_fingerprint": provenance.dataset_fingerprint,
    }
