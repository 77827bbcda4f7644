"""Curves and areas equal scikit-learn's; thinned curves keep their ends and their area."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from components.metrics.curves import (
    POINTS,
    Curve,
    average_precision,
    precision_recall_curve,
    roc_auc,
    roc_curve,
    thinned,
)
from tests.support.drawn_outcomes import DEGENERATE, drawn_outcomes, realistic


def _check(truth, scores) -> None:
    roc, pr = roc_curve(truth, scores), precision_recall_curve(truth, scores)
    expected_x, expected_y, thresholds = metrics.roc_curve(truth, scores, pos_label=True, drop_intermediate=False)
    np.testing.assert_allclose(roc.x, expected_x, atol=1e-12)
    np.testing.assert_allclose(roc.y, expected_y, atol=1e-12)
    np.testing.assert_array_equal(roc.thresholds, thresholds)
    if not truth.any():
        assert np.isnan([roc_auc(roc), average_precision(pr)]).all()
        return
    precision, recall, thresholds = metrics.precision_recall_curve(truth, scores, pos_label=True)
    np.testing.assert_allclose(pr.x, recall[-2::-1], atol=1e-12)
    np.testing.assert_allclose(pr.y, precision[-2::-1], atol=1e-12)
    np.testing.assert_array_equal(pr.thresholds, thresholds[::-1])
    assert average_precision(pr) == pytest.approx(metrics.average_precision_score(truth, scores), abs=1e-12)
    if truth.all():
        assert np.isnan(roc_auc(roc))
    else:
        assert roc_auc(roc) == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@given(drawn_outcomes)
def test_equal_to_scikit_learn(drawn):
    for i in range(drawn.classes):
        _check(drawn.labels == i, drawn.probabilities[:, i])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("drawn", DEGENERATE)
def test_equal_to_scikit_learn_on_degenerate_input(drawn):
    for i in range(drawn.classes):
        _check(drawn.labels == i, drawn.probabilities[:, i])


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1, width=32)), min_size=1, max_size=60))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_equal_to_scikit_learn_with_scores_that_hardly_differ(samples):
    _check(np.array([s[0] for s in samples]), np.array([s[1] for s in samples]))


def test_a_thinned_curve_is_short_and_keeps_ends_and_area():
    drawn = realistic(5000, 4, seed=1)
    curve = roc_curve(drawn.labels == 2, drawn.probabilities[:, 2])
    few = thinned(curve)
    assert len(few.x) <= POINTS < len(curve.x)
    assert (few.x[0], few.y[0], few.x[-1], few.y[-1]) == (0, 0, 1, 1)
    assert roc_auc(few) == pytest.approx(roc_auc(curve), abs=1e-3)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=80), st.integers(2, 20))
def test_thinning_keeps_both_ends_and_only_points_of_the_curve(points, few):
    x, y = (np.array(column) for column in zip(*points, strict=True))
    curve = Curve(x, y, np.arange(len(x), dtype=np.float64))
    found = thinned(curve, few)
    assert len(found.x) <= few or len(x) <= few
    assert (found.thresholds[0], found.thresholds[-1]) == (0, len(x) - 1)
    assert (np.diff(found.thresholds) > 0).all()
    np.testing.assert_array_equal(found.x, x[found.thresholds.astype(int)])
