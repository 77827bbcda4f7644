"""Metrics equal scikit-learn's and scipy's, degenerate input included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from components.metrics.evaluation import accuracy, confusion_matrix, macro_f1, wilson_interval

labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


@given(labels)
def test_metrics_equal_scikit_learn(pairs):
    truth, predicted = zip(*pairs, strict=True)
    matrix = confusion_matrix(truth, predicted, 5)
    np.testing.assert_array_equal(matrix, sklearn_confusion_matrix(truth, predicted, labels=range(5)))
    assert accuracy(matrix) == pytest.approx(accuracy_score(truth, predicted), abs=1e-12)
    assert macro_f1(matrix) == pytest.approx(f1_score(truth, predicted, average="macro", zero_division=0), abs=1e-12)


def test_no_predictions():
    empty = confusion_matrix([], [], 3)
    assert (accuracy(empty), macro_f1(empty)) == (0.0, 0.0)
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_equals_scipy(counts):
    expected = binomtest(*counts).proportion_ci(method="wilson")
    assert wilson_interval(*counts) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_interval_of_19_of_20():
    assert wilson_interval(19, 20) == pytest.approx((0.7639, 0.9911), abs=1e-4)
