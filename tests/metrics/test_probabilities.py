"""Log loss, Brier score, calibration error and top-k equal scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, top_k_accuracy_score

from components.metrics.probabilities import (
    BINS,
    expected_calibration_error,
    reliability,
    sample_brier_scores,
    sample_log_losses,
    truth_ranks,
)
from tests.support.drawn_outcomes import ALL_TIED, DEGENERATE, drawn_outcomes


def _check_log_loss(drawn) -> None:
    expected = log_loss(drawn.labels, drawn.probabilities, labels=range(drawn.classes))
    assert sample_log_losses(drawn.probabilities, drawn.labels).mean() == pytest.approx(expected, abs=1e-12)


def _check_brier(drawn) -> None:
    expected = brier_score_loss(drawn.labels, drawn.probabilities, labels=range(drawn.classes), scale_by_half=False)
    assert sample_brier_scores(drawn.probabilities, drawn.labels).mean() == pytest.approx(expected, abs=1e-12)


def _check_calibration_error(drawn) -> None:
    confidences, right = drawn.probabilities.max(axis=1), drawn.labels == drawn.predicted
    accuracies, means = calibration_curve(right, confidences, n_bins=BINS, pos_label=True)
    found = reliability(confidences, right)
    assert [part.right / part.count for part in found] == pytest.approx(accuracies, abs=1e-12)
    assert [part.confidence for part in found] == pytest.approx(means, abs=1e-12)
    shares = np.array([part.count for part in found]) / len(right)
    expected = float(shares @ np.abs(accuracies - means))
    assert expected_calibration_error(confidences, right) == pytest.approx(expected, abs=1e-12)


def _check_top_k(drawn) -> None:
    ranks = truth_ranks(drawn.probabilities, drawn.labels)
    assert ((ranks < 1) == (drawn.labels == drawn.predicted)).all()
    # scikit-learn prefers the last of equal classes, argmax and we the first: mirrored, they are the same.
    mirrored, labels = drawn.probabilities[:, ::-1], drawn.classes - 1 - drawn.labels
    for k in range(1, drawn.classes if drawn.classes > 2 else 1):  # Of two classes, scikit-learn wants one column.
        expected = top_k_accuracy_score(labels, mirrored, k=k, labels=range(drawn.classes))
        assert (ranks < k).mean() == pytest.approx(expected, abs=1e-12)


CHECKS = (_check_log_loss, _check_brier, _check_calibration_error, _check_top_k)


@pytest.mark.parametrize("check", CHECKS)
@given(drawn=drawn_outcomes)
def test_equal_to_scikit_learn(check, drawn):
    check(drawn)


@pytest.mark.parametrize("drawn", DEGENERATE)
@pytest.mark.parametrize("check", CHECKS)
def test_equal_to_scikit_learn_on_degenerate_input(check, drawn):
    check(drawn)


@given(
    st.integers(3, 8).flatmap(
        lambda c: st.lists(st.tuples(st.integers(0, c - 1), st.permutations(range(1, c + 1))), min_size=1)
    )
)
def test_top_k_equals_scikit_learn_as_it_is_where_nothing_is_tied(samples):
    labels, weights = np.array([s[0] for s in samples]), np.array([s[1] for s in samples], dtype=np.float64)
    for k in range(1, weights.shape[1]):
        expected = top_k_accuracy_score(labels, weights, k=k, labels=range(weights.shape[1]))
        assert (truth_ranks(weights, labels) < k).mean() == pytest.approx(expected, abs=1e-12)


def test_tied_classes_rank_in_their_order():
    assert truth_ranks(ALL_TIED.probabilities, ALL_TIED.labels).tolist() == [0, 1, 2, 2]


def test_a_known_calibration_error():
    """Ten samples at 0.95 of which nine are right, ten at 0.55 of which five are."""
    confidences = np.repeat([0.95, 0.55], 10)
    right = np.arange(20) % 10 < np.repeat([9, 5], 10)
    assert expected_calibration_error(confidences, right) == pytest.approx(0.05)


def test_float32_that_sums_to_a_hair_above_one_has_no_negative_loss():
    certain = np.array([[np.nextafter(np.float32(1), np.float32(2)), 0]], dtype=np.float32)
    assert sample_log_losses(certain, np.array([0])).tolist() == [0.0]
