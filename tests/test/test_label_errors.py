"""Suspected label errors: confident disagreement comes first, and the lists can be fed back."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.dataset.samples import Sample
from components.extract.formats.ecotag import read_ecotag
from components.extract.formats.table import read_csv
from components.features.neighbours import Neighbour
from components.metrics.assessment import assess
from components.test.label_errors import better_than_chance, label_doubts, write_label_errors_csv, write_labels_to_check
from components.test.predictions import predict_samples

NAMES = ["cat", "dog", "owl"]
HOSTILE = 'a "b", <script>\u202e/é.png'


def predicted(rows):
    """Return predictions of (name, label, probabilities, labels of neighbours)."""
    samples = [Sample(name, label, f"group of {name}", "0" * 64, 1, 1) for name, label, _, _ in rows]
    near = [[Neighbour(f"t{i}", label, "train", 0.8) for i, label in enumerate(row[3])] for row in rows]
    values = np.array([row[2] for row in rows], np.float32)
    return predict_samples(samples, values, NAMES, 1.0, [0.0] * len(rows), near)


def doubts_of(predictions, names, *believed):
    """Return what `label_doubts` makes of predictions with all their probabilities."""
    probabilities = np.array([p.values for p in predictions], np.float32).reshape(-1, len(names))
    return label_doubts(predictions, probabilities, names, *believed)


def some():
    return predicted(
        [
            ("right.png", "cat", [0.9, 0.1, 0.0], ["cat"] * 5),
            ("unsure.png", "cat", [0.4, 0.6, 0.0], ["cat", "dog", "cat", "dog", "owl"]),
            (HOSTILE, "dog", [0.95, 0.05, 0.0], ["cat"] * 5),
            ("learnt by heart.png", "owl", [0.1, 0.0, 0.9], ["dog"] * 5),
            ("dog.png", "dog", [0.0, 1.0, 0.0], ["dog"] * 5),
        ]
    )


def test_what_network_and_neighbours_deny_comes_first():
    found = doubts_of(some(), NAMES)
    names = [HOSTILE, "unsure.png", "learnt by heart.png", "right.png", "dog.png"]
    assert [d.sample_id for d in found] == names
    # Network and neighbours have half of the say each.
    assert [d.score for d in found] == pytest.approx([0.95, 0.1, 0.05, -0.9, -1.0])
    assert [(d.label, d.suggested, d.suspected) for d in found[:3]] == [
        ("dog", "cat", True),
        ("cat", "dog", False),
        ("owl", "dog", False),
    ]


def test_without_neighbours_the_network_alone_decides():
    rows = [(name, label, values, []) for name, label, values in (("a", "cat", [0, 1, 0]), ("b", "dog", [0, 0.9, 0.1]))]
    first, second = doubts_of(predicted(rows), NAMES)
    assert (first.sample_id, first.suggested, first.score, first.suspected) == ("a", "dog", 1.0, True)
    assert (second.score, second.suspected) == (pytest.approx(-0.8), False)


def test_no_samples_no_doubts():
    assert doubts_of([], NAMES) == []


@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.floats(0, 1), min_size=3, max_size=3)), min_size=1))
def test_every_sample_is_listed_once_and_a_suspect_is_never_given_its_own_label(drawn):
    rows = [(f"{i}", NAMES[label], np.array(values) + 1e-6, []) for i, (label, values) in enumerate(drawn)]
    rows = [(name, label, values / values.sum(), near) for name, label, values, near in rows]
    found = doubts_of(predicted(rows), NAMES)
    assert sorted(d.sample_id for d in found) == sorted(row[0] for row in rows)
    assert all(d.suggested != d.label and -1 <= d.score <= 1 for d in found)
    assert all(d.score > 0 for d in found if d.suspected)
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)


def test_the_csv_lists_all_and_is_read_as_annotations(tmp_path):
    found = doubts_of(some(), NAMES)
    write_label_errors_csv(tmp_path / "errors.csv", found)
    with (tmp_path / "errors.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "label", "suggested", "score", "suspected", "group"]
    assert (rows[0]["file"], rows[0]["suspected"], float(rows[0]["score"])) == (HOSTILE, "true", found[0].score)
    # A person corrects the column `label`; what is written already reads as the dataset's own labels and groups.
    annotations = read_csv((tmp_path / "errors.csv").read_text(encoding="utf-8")).annotations
    assert [(a.file_name, a.label, a.group) for a in annotations] == [(d.sample_id, d.label, d.group) for d in found]


def test_the_list_for_the_labelling_tool_is_in_its_format(tmp_path):
    write_labels_to_check(tmp_path / "check.json", doubts_of(some(), NAMES))
    text = (tmp_path / "check.json").read_text(encoding="utf-8")
    found = read_ecotag(text)
    assert [(a.file_name, a.label, a.annotator) for a in found.annotations] == [(HOSTILE, "cat", "pawline")]
    assert found.notes == ["The labelling is not finished: 0 of 1 annotation is done."]
    expected = {
        "projectName", "projectType", "datasetName", "datasetType", "classification", "numberAnnotationsDone",
        "numberAnnotationsToDo", "annotations",
    }  # fmt: skip
    assert set(json.loads(text)) == expected


def model(seed, right, wrong_labels, count=200, classes=5):
    """Return class names and what a model says of `count` samples, a share `right` of them truly, some mislabelled."""
    random, names = np.random.default_rng(seed), [f"class {i}" for i in range(classes)]
    truth = random.integers(0, classes, count)
    said = np.where(random.random(count) < right, truth, random.integers(0, classes, count))
    labels = truth.copy()
    flipped = random.choice(count, wrong_labels, replace=False)
    labels[flipped] = (truth[flipped] + 1) % classes
    logits = random.normal(size=(count, classes)) * 0.3 + 5 * np.eye(classes)[said]
    values = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    rows = [Sample(f"{i:03}", names[labels[i]], f"{i}", "0" * 64, 1, 1) for i in range(count)]
    near = [[Neighbour("t", names[truth[i]] if right else names[said[i]], "train", 0.8)] * 5 for i in range(count)]
    found = predict_samples(rows, values.astype(np.float32), names, 1.0, [0.0] * count, near)
    assessed = assess(labels, values, names, [r.group for r in rows], np.ones((count, 2)), np.zeros(count), 1.0, 0)
    return names, found, assessed, {f"{i:03}" for i in flipped}


@pytest.mark.parametrize("seed", range(5))
def test_a_model_no_better_than_chance_doubts_no_label(seed):
    names, predictions, statistics, _ = model(seed, right=0.0, wrong_labels=0)
    assert not better_than_chance(statistics)
    doubts = doubts_of(predictions, names, better_than_chance(statistics))
    assert [d for d in doubts if d.suspected] == []
    assert len(doubts) == len(predictions)


def test_a_model_that_always_says_the_most_frequent_label_is_no_better_than_chance():
    labels, values = np.array([0] * 90 + [1] * 10), np.tile([0.99, 0.01], (100, 1))
    groups = [str(i) for i in range(100)]
    assert not better_than_chance(assess(labels, values, ["a", "b"], groups, np.ones((100, 2)), np.zeros(100), 1.0, 0))


@pytest.mark.parametrize("seed", range(5))
def test_a_good_model_finds_the_wrong_labels_and_suspects_none_that_it_predicts(seed):
    names, predictions, statistics, flipped = model(seed, right=0.97, wrong_labels=10)
    suspected = {d.sample_id for d in doubts_of(predictions, names, better_than_chance(statistics)) if d.suspected}
    assert flipped - suspected == set() or len(flipped - suspected) <= 1
    assert not suspected & {p.filename for p in predictions if p.ok}


def test_what_is_hardly_believed_in_is_not_suspected():
    unsure = [("a", "cat", [0.2, 0.45, 0.35], ["dog", "owl"]), ("b", "dog", [0.4, 0.35, 0.25], ["cat", "dog"])]
    assert not any(d.suspected for d in doubts_of(predicted(unsure), NAMES))


@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.floats(0, 1), min_size=3, max_size=3)), min_size=1))
def test_no_sample_that_is_predicted_right_is_ever_suspected(drawn):
    rows = [(f"{i}", NAMES[label], np.array(values) + 1e-6, ["dog"] * 5) for i, (label, values) in enumerate(drawn)]
    predictions = predicted([(name, label, values / values.sum(), near) for name, label, values, near in rows])
    right = {p.filename for p in predictions if p.ok}
    assert not right & {d.sample_id for d in doubts_of(predictions, NAMES) if d.suspected}
