"""The nearest training samples are those that a full comparison finds, in its order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from components.features.neighbours import NEAREST, NeighbourIndex
from components.features.training_table import TrainingFeatures
from components.step.errors import DataError


def table(features):
    count = len(features)
    names, labels = [f"{i:03}.png" for i in range(count)], [f"class {i % 3}" for i in range(count)]
    splits = ["train" if i % 5 else "validation" for i in range(count)]
    return TrainingFeatures(names, labels, splits, np.asarray(features, np.float32))


@pytest.mark.parametrize("count", [1, 3, NEAREST, 200])
def test_they_are_those_that_scikit_learn_finds(count):
    random = np.random.default_rng(count)
    known, asked = random.normal(size=(count, 24)), random.normal(size=(9, 24)).astype(np.float32)
    few = min(count, NEAREST)
    distances, rows = NearestNeighbors(n_neighbors=few, metric="cosine").fit(known).kneighbors(asked)
    found = NeighbourIndex(table(known)).nearest(asked)
    whole = table(known)
    for neighbours, away, expected in zip(found, distances, rows, strict=True):
        assert [n.sample_id for n in neighbours] == [whole.sample_ids[i] for i in expected]
        assert [n.label for n in neighbours] == [whole.labels[i] for i in expected]
        assert [n.split for n in neighbours] == [whole.splits[i] for i in expected]
        assert [n.similarity for n in neighbours] == pytest.approx(1 - away, abs=1e-4)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40))
def test_of_equally_near_ones_the_first_are_taken(kinds):
    directions = np.eye(3, dtype=np.float32)
    [found] = NeighbourIndex(table(directions[kinds])).nearest(directions[[0]])
    order = sorted(range(len(kinds)), key=lambda i: (kinds[i] != 0, i))
    assert [n.sample_id for n in found] == [f"{i:03}.png" for i in order[:NEAREST]]


def test_features_of_nothing_but_zeros_are_like_nothing():
    index = NeighbourIndex(table([[0, 0], [1, 0]]))
    assert {n.similarity for n in index.nearest(np.zeros((1, 2), np.float32))[0]} == {0.0}


def test_no_training_samples_give_no_neighbours():
    assert NeighbourIndex(table(np.zeros((0, 2)))).nearest(np.ones((2, 2), np.float32)) == [[], []]


def test_features_of_another_network_are_refused():
    with pytest.raises(DataError, match=r"Received: 2 values a sample, the bundle gives 3"):
        NeighbourIndex(table([[0, 1]])).nearest(np.ones((1, 3), np.float32))
