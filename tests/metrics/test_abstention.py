"""The coverage/accuracy curve counts what a threshold does; suggestions reach their target."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.metrics.abstention import TARGETS, abstention_curve, suggest_thresholds
from tests.support.drawn_outcomes import realistic

samples = st.lists(st.tuples(st.sampled_from([0.3, 0.5, 0.5000001, 0.9, 1.0]), st.booleans()), min_size=1, max_size=40)


def _arrays(pairs):
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


@given(samples)
def test_the_curve_is_what_counting_gives(pairs):
    confidences, right = _arrays(pairs)
    curve = abstention_curve(confidences, right)
    assert curve.thresholds.tolist() == sorted(set(confidences.tolist()), reverse=True)
    for threshold, coverage, accuracy in zip(curve.thresholds, curve.coverage, curve.accuracy, strict=True):
        answered = confidences >= threshold
        assert coverage == pytest.approx(answered.mean(), abs=1e-12)
        assert accuracy == pytest.approx(right[answered].mean(), abs=1e-12)


@given(samples, st.sampled_from([0.5, 0.75, 0.9]))
def test_a_suggestion_reaches_its_target_and_no_lower_threshold_does(pairs, target):
    confidences, right = _arrays(pairs)
    enough = round(1 / (1 - target))
    reaching = [
        t for t in set(confidences) if right[confidences >= t].mean() >= target and (confidences >= t).sum() >= enough
    ]
    found = suggest_thresholds(abstention_curve(confidences, right), [target])
    assert [suggestion.threshold for suggestion in found] == ([min(reaching)] if reaching else [])
    for suggestion in found:
        assert suggestion.interval[0] <= suggestion.accuracy <= suggestion.interval[1]


def test_a_model_that_is_always_right_need_not_abstain():
    found = suggest_thresholds(abstention_curve(np.linspace(0.5, 1, 200), np.ones(200, dtype=bool)))
    assert [(suggestion.target, suggestion.threshold, suggestion.coverage) for suggestion in found] == [
        (target, 0.5, 1.0) for target in TARGETS
    ]


def test_nothing_is_suggested_where_nothing_reaches_the_target():
    assert suggest_thresholds(abstention_curve(np.linspace(0.5, 1, 200), np.zeros(200, dtype=bool))) == []


def test_one_lucky_sample_is_no_evidence():
    confidences = np.linspace(1, 0.5, 200)
    assert suggest_thresholds(abstention_curve(confidences, np.arange(200) == 0)) == []


def test_higher_targets_are_answered_less_often():
    drawn = realistic(2000, 5, seed=6, sharpness=3.0)
    confidences = drawn.probabilities.max(axis=1)
    found = suggest_thresholds(abstention_curve(confidences, drawn.labels == drawn.predicted))
    assert len(found) >= 3
    coverages = [suggestion.coverage for suggestion in found]
    assert coverages == sorted(coverages, reverse=True)
