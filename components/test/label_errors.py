"""Suspected label errors: samples where network and neighbours agree on another label than the annotators'.

A variant of confident learning (C. Northcutt et al. (2021), "Confident learning: estimating uncertainty in dataset
labels", JAIR 70) in which the nearest training samples have half of the say: a head that has learnt wrong labels by
heart still sees what lies around a sample.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.step.files import write_text
from components.step.spreadsheets import write_for_people
from components.test.predictions import Prediction

DECIMALS = 6
ANNOTATOR = "pawline"
LEAST_BELIEF = 0.5  # More than in all other classes together.


@dataclass(frozen=True, slots=True)
class LabelDoubt:
    """How much more is believed in `suggested` than in `label`, -1 to 1; `suspected` if that is confident."""

    sample_id: str
    label: str
    suggested: str
    score: float
    suspected: bool
    group: str


def better_than_chance(statistics: Mapping[str, Any]) -> bool:
    """Return whether the model is clearly better than always answering the most frequent label.

    `statistics` are those of `components.metrics.assessment`: the whole interval of the accuracy must lie above.
    """
    most_frequent = max(one["support"] for one in statistics["classes"]) / statistics["total"]
    return bool(statistics["accuracy_interval_95"][0] > most_frequent)


def label_doubts(
    predictions: Sequence[Prediction],
    probabilities: NDArray[np.float32],
    class_names: Sequence[str],
    believed: bool = True,
) -> list[LabelDoubt]:
    """Return every sample, the most doubtful label first; `probabilities` `[N, classes]` are the predictions' own.

    A label is suspected where the network predicts another class, is surer of it than of all others together, and that
    class is at least as believed in as it is, on average, by the samples that carry it as their label. Of a model that
    is not `believed`, which is no better than chance, no label is. `score` does not need any of it: the order is by the
    difference of the beliefs alone.
    """
    if not predictions:
        return []
    others, labels = _beliefs(predictions, probabilities, class_names)
    rows = np.arange(len(labels))
    own = others[rows, labels]
    others[rows, labels] = -1
    best = others.argmax(axis=1)
    surely = np.maximum(_usual(own, labels, len(class_names))[best], LEAST_BELIEF)
    predicted = np.array(
        [p.prediction == class_names[best[i]] and p.confidence >= LEAST_BELIEF for i, p in enumerate(predictions)]
    )
    suspected = believed & predicted & (others[rows, best] >= surely) & (others[rows, best] > own)
    scores = np.round(others[rows, best] - own, DECIMALS)
    found = [
        LabelDoubt(p.filename, p.prediction_truth, class_names[best[i]], float(scores[i]), bool(suspected[i]), p.group)
        for i, p in enumerate(predictions)
    ]
    return sorted(found, key=lambda doubt: (-doubt.score, doubt.sample_id))


def _beliefs(
    predictions: Sequence[Prediction], probabilities: NDArray[np.float32], class_names: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return belief in each class, [N, classes], and the labels' indices: network and neighbours count the same."""
    index = {name: i for i, name in enumerate(class_names)}
    belief = np.asarray(probabilities, np.float64).round(DECIMALS)
    for row, p in enumerate(predictions):
        known = [index[n.label] for n in p.neighbours if n.label in index]
        if known:
            votes = np.bincount(known, minlength=len(class_names)) / len(known)
            belief[row] = (belief[row] + votes) / 2
    return belief, np.array([index[p.prediction_truth] for p in predictions], np.int64)


def _usual(own: NDArray[np.float64], labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return for each class the mean belief in it, `own`, of the samples labelled so; without samples, that of all."""
    return np.array([own[labels == c].mean() if (labels == c).any() else own.mean() for c in range(classes)])


def write_label_errors_csv(path: Path, doubts: Sequence[LabelDoubt]) -> None:
    """Write `doubts` as CSV that extract reads as annotations, once its column `label` is corrected."""
    rows = ([d.sample_id, d.label, d.suggested, d.score, json.dumps(d.suspected), d.group] for d in doubts)
    write_for_people(path, ["file", "label", "suggested", "score", "suspected", "group"], rows)


def write_labels_to_check(path: Path, doubts: Sequence[LabelDoubt]) -> None:
    """Write the suspected of `doubts` as an ecotag export whose annotator is "pawline" and its labels suggestions.

    None counts as done, as a person has yet to look. The date is 0, so that the same predictions give the same file.
    """
    annotations = [
        {"nameIdentifier": ANNOTATOR, "createDate": 0, "fileName": d.sample_id, "annotation": {"label": d.suggested}}
        for d in doubts
        if d.suspected
    ]
    project = {
        "projectName": "labels to check",
        "projectType": "ImageClassifier",
        "datasetName": "labels to check",
        "datasetType": "Image",
        "classification": "Confidential",
        "numberAnnotationsDone": 0,
        "numberAnnotationsToDo": len(annotations),
        "annotations": annotations,
    }
    write_text(path, json.dumps(project, indent=2, ensure_ascii=False) + "\n")
