"""Headline metrics equal scikit-learn's, on the samples and on every resample of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, brier_score_loss, f1_score, log_loss

from components.metrics.headline import Outcomes, headline_intervals, headline_metrics, headline_values
from components.metrics.probabilities import expected_calibration_error
from tests.support.drawn_outcomes import DEGENERATE, Drawn, drawn_outcomes, realistic


def _outcomes(drawn: Drawn) -> Outcomes:
    return Outcomes(drawn.labels, drawn.predicted, drawn.probabilities)


def _by_scikit_learn(drawn: Drawn) -> dict[str, float]:
    labels, predicted, probabilities = drawn.labels, drawn.predicted, drawn.probabilities
    classes = {"labels": range(drawn.classes)}
    return {
        "accuracy": accuracy_score(labels, predicted),
        "balanced_accuracy": balanced_accuracy_score(labels, predicted),
        "macro_f1": f1_score(labels, predicted, average="macro", zero_division=0),
        "weighted_f1": f1_score(labels, predicted, average="weighted", zero_division=0),
        "log_loss": log_loss(labels, probabilities, **classes),
        "brier": brier_score_loss(labels, probabilities, scale_by_half=False, **classes),
        "expected_calibration_error": expected_calibration_error(probabilities.max(axis=1), labels == predicted),
    }


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(drawn_outcomes, st.randoms(use_true_random=False))
def test_equal_to_scikit_learn_on_any_resample(drawn, random):
    rows = [random.choices(range(len(drawn.labels)), k=len(drawn.labels)) for _ in range(3)]
    weights = np.stack([np.bincount(row, minlength=len(drawn.labels)) for row in rows]).astype(float)
    found = headline_metrics(_outcomes(drawn), weights)
    for i, row in enumerate(rows):
        expected = _by_scikit_learn(Drawn(drawn.labels[row], drawn.probabilities[row]))
        assert {name: values[i] for name, values in found.items()} == pytest.approx(expected, abs=1e-9)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("drawn", DEGENERATE)
def test_equal_to_scikit_learn_on_degenerate_input(drawn):
    assert headline_values(_outcomes(drawn)) == pytest.approx(_by_scikit_learn(drawn), abs=1e-9)


def test_intervals_hold_their_estimates_and_repeat():
    drawn = realistic(300, 4, seed=2)
    groups = [f"group {i % 100}" for i in range(300)]
    values, intervals = headline_values(_outcomes(drawn)), headline_intervals(_outcomes(drawn), groups, seed=1)
    assert intervals == headline_intervals(_outcomes(drawn), groups, seed=1)
    assert intervals != headline_intervals(_outcomes(drawn), groups, seed=2)
    for name, (low, high) in intervals.items():
        assert low <= values[name] <= high
        assert 0 < high - low < 0.5, name


def test_the_interval_of_the_accuracy_is_about_as_wide_as_theory_says():
    drawn = realistic(2500, 6, seed=4)
    low, high = headline_intervals(_outcomes(drawn), [str(i) for i in range(2500)], seed=0)["accuracy"]
    share = (drawn.labels == drawn.predicted).mean()
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / 2500), rel=0.1)


def test_one_group_says_nothing_of_others():
    drawn = realistic(10, 3, seed=0)
    assert set(headline_intervals(_outcomes(drawn), ["one"] * 10, seed=0).values()) == {None}


@pytest.mark.parametrize("right", [True, False])
def test_what_is_all_right_or_all_wrong_in_every_resample_has_no_interval_rather_than_one_of_no_width(right):
    labels = np.arange(12) % 2
    probabilities = np.where(np.eye(2)[labels if right else 1 - labels] == 1, 0.6, 0.4)
    probabilities += np.linspace(0, 0.01, 12)[:, None] * np.where(probabilities > 0.5, 1, -1)
    outcomes = Outcomes(labels, probabilities.argmax(1), probabilities)
    found = headline_intervals(outcomes, [f"g{i}" for i in range(12)], seed=0)
    assert {name for name, interval in found.items() if not interval} == {
        "accuracy", "balanced_accuracy", "macro_f1", "weighted_f1",
    }  # fmt: skip
    assert all(low < high for low, high in filter(None, found.values()))
