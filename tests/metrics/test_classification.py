"""Precision, recall, F1 and their averages equal scikit-learn's, also where they are undefined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from components.metrics.classification import (
    ClassCounts,
    balanced_accuracy,
    class_counts,
    f1,
    macro,
    precision,
    rates,
    recall,
    weighted,
)
from components.metrics.evaluation import confusion_matrix
from tests.support.drawn_outcomes import DEGENERATE, drawn_outcomes, outcomes_of

SCORES = (precision, recall, f1)


def _check_per_class(drawn) -> None:
    counts = class_counts(confusion_matrix(drawn.labels, drawn.predicted, drawn.classes))
    *expected, support = precision_recall_fscore_support(
        drawn.labels, drawn.predicted, labels=range(drawn.classes), zero_division=np.nan
    )
    for score, values in zip(SCORES, expected, strict=True):
        np.testing.assert_allclose(score(counts), values, rtol=0, atol=1e-12, equal_nan=True)
    np.testing.assert_array_equal(counts.support, support)


def _check_averages(drawn) -> None:
    counts = class_counts(confusion_matrix(drawn.labels, drawn.predicted, drawn.classes))
    for name, average in (("macro", macro), ("weighted", weighted)):
        *expected, _ = precision_recall_fscore_support(drawn.labels, drawn.predicted, average=name, zero_division=0)
        found = [float(average(score(counts), counts)) for score in SCORES]
        assert found == pytest.approx(expected, abs=1e-12)


def _check_balanced_accuracy(drawn) -> None:
    counts = class_counts(confusion_matrix(drawn.labels, drawn.predicted, drawn.classes))
    expected = balanced_accuracy_score(drawn.labels, drawn.predicted)
    assert float(balanced_accuracy(counts)) == pytest.approx(expected, abs=1e-12)


CHECKS = (_check_per_class, _check_averages, _check_balanced_accuracy)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.filterwarnings("ignore::UserWarning")
@given(drawn=drawn_outcomes)
def test_equal_to_scikit_learn(check, drawn):
    check(drawn)


@pytest.mark.parametrize("drawn", DEGENERATE)
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_equal_to_scikit_learn_on_degenerate_input(check, drawn):
    check(drawn)


@given(drawn_outcomes)
def test_rates_equal_scikit_learn_and_are_undefined_without_samples(drawn):
    matrix = confusion_matrix(drawn.labels, drawn.predicted, drawn.classes)
    expected = sklearn_confusion_matrix(drawn.labels, drawn.predicted, labels=range(drawn.classes), normalize="true")
    found = rates(matrix)
    absent = matrix.sum(axis=1) == 0
    assert np.isnan(found[absent]).all()
    np.testing.assert_allclose(found[~absent], expected[~absent], rtol=0, atol=1e-12)


@given(st.lists(outcomes_of(3), min_size=1, max_size=5))
def test_many_resamples_at_once_give_what_each_gives_alone(models):
    alone = [class_counts(confusion_matrix(m.labels, m.predicted, 3)) for m in models]
    together = ClassCounts(*(np.stack([getattr(c, name) for c in alone]) for name in ("right", "support", "predicted")))
    for average in (macro, weighted):
        expected = [float(average(f1(counts), counts)) for counts in alone]
        np.testing.assert_allclose(average(f1(together), together), expected, atol=1e-12)
    expected = [float(balanced_accuracy(counts)) for counts in alone]
    np.testing.assert_allclose(balanced_accuracy(together), expected, atol=1e-12)
