"""What test tells of a bundle in figures: statistics, matrix, one ROC curve, and what was tested on what."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.bundle.manifest import MANIFEST, sha256_of
from components.dataset.snapshot import Dataset
from components.features.training_table import spread_rows
from components.metrics.assessment import assess
from components.metrics.curves import Curve, roc_curve, thinned
from components.metrics.evaluation import confusion_matrix
from components.test.image_pass import Tested
from components.test.loading import AskedBundle
from components.test.predictions import Prediction

# Sorting more takes seconds and shows no other curve.
MOST_DECISIONS = 5_000_000


def statistics_of(tested: Tested, bundle: AskedBundle) -> dict[str, Any]:
    """Return the statistics of what was `tested`; see `assess`."""
    predictions = tested.predictions
    return assess(
        label_indices(predictions, bundle.class_names),
        tested.probabilities,
        bundle.class_names,
        [p.group for p in predictions],
        [(p.width, p.height) for p in predictions],
        [p.brightness for p in predictions],
        bundle.manifest.temperature,
        bundle.manifest.split_seed,
    )


def confusion(predictions: Sequence[Prediction], class_names: Sequence[str]) -> list[list[int]]:
    """Return the confusion matrix of `predictions`, rows the truth, both in the order of class_names."""
    index = {name: position for position, name in enumerate(class_names)}
    predicted = [index[p.prediction] for p in predictions]
    matrix = confusion_matrix(label_indices(predictions, class_names), predicted, len(class_names))
    counts: list[list[int]] = matrix.tolist()
    return counts


def roc_of_all_classes(tested: Tested, class_names: Sequence[str]) -> Curve:
    """Return the micro-averaged ROC curve: whether a sample is of a class, for all samples and classes in one.

    As scikit-learn's `roc_curve` of the labels as a flat indicator matrix, thinned to what can be seen.
    """
    rows = spread_rows(len(tested.predictions), max(1, MOST_DECISIONS // len(class_names)))
    labels = np.array(label_indices(tested.predictions, class_names))[rows]
    truth: NDArray[np.bool_] = labels[:, None] == np.arange(len(class_names))
    return thinned(roc_curve(truth.ravel(), tested.probabilities[rows].astype(np.float64).ravel()))


def provenance_of(bundle: AskedBundle, dataset: Dataset) -> dict[str, Any]:
    """Return what was tested on what, in the order to show it."""
    manifest = bundle.manifest
    image = os.environ.get("PAWLINE_IMAGE")
    return {
        "bundle": f"sha256:{sha256_of(bundle.directory / MANIFEST)}",
        "backbone": manifest.backbone,
        "weights": manifest.weights,
        "image_size": manifest.image_size,
        "trained on dataset": manifest.dataset_fingerprint,
        "tested on dataset": dataset.fingerprint,
        "dataset lies in": dataset.uri,
        "split_seed": manifest.split_seed,
        "temperature": round(manifest.temperature, 4),
        **({"container image": image} if image else {}),
        "training": manifest.training,
        "library": manifest.library_versions,
    }


def data_facts(bundle: AskedBundle, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Return the bundle's facts on its data with the test samples counted by class beside the other splits."""
    data = bundle.manifest.data
    splits = data.get("splits", {})
    return {
        **data,
        "splits": {**splits, "test": dict(sorted(Counter(p.prediction_truth for p in predictions).items()))},
    }


def label_indices(predictions: Sequence[Prediction], class_names: Sequence[str]) -> list[int]:
    """Return each label's index in `class_names`."""
    index = {name: position for position, name in enumerate(class_names)}
    return [index[p.prediction_truth] for p in predictions]
