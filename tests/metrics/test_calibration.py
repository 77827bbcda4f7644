"""Temperature scaling finds the temperature, never changes a prediction, and stays sane on little data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from components.metrics.calibration import MAX_TEMPERATURE, MIN_TEMPERATURE, PRIOR_SAMPLES, calibrated, fit_temperature
from components.step.errors import DataError
from tests.support.drawn_outcomes import ALL_RIGHT, ALL_WRONG, drawn_outcomes, realistic

temperatures = st.floats(MIN_TEMPERATURE, MAX_TEMPERATURE)


def _penalised_loss(drawn, temperature: float) -> float:
    loss = log_loss(drawn.labels, calibrated(drawn.probabilities, temperature), labels=range(drawn.classes))
    return loss * len(drawn.labels) + PRIOR_SAMPLES * (1 / temperature + np.log(temperature))


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 1.8, 4.0])
def test_the_true_temperature_is_found(overconfidence):
    drawn = realistic(5000, 5, seed=3, sharpness=2.0, overconfidence=overconfidence)
    assert fit_temperature(drawn.probabilities, drawn.labels) == pytest.approx(overconfidence, rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_the_minimum_is_that_of_scipy(seed):
    drawn = realistic(30, 4, seed=seed, sharpness=2.0)
    best = minimize_scalar(
        lambda t: _penalised_loss(drawn, t), bounds=(MIN_TEMPERATURE, MAX_TEMPERATURE), options={"xatol": 1e-9}
    )
    assert fit_temperature(drawn.probabilities, drawn.labels) == pytest.approx(best.x, abs=1e-6)


@given(drawn_outcomes)
def test_within_bounds_deterministic_and_never_worse_than_doing_nothing(drawn):
    found = fit_temperature(drawn.probabilities, drawn.labels)
    assert MIN_TEMPERATURE <= found <= MAX_TEMPERATURE
    assert found == fit_temperature(drawn.probabilities.copy(), drawn.labels.copy())
    assert _penalised_loss(drawn, found) <= _penalised_loss(drawn, 1.0) + 1e-9


def test_no_samples_change_nothing():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=int)) == 1.0


def test_all_right_and_certain_changes_nothing():
    assert fit_temperature(ALL_RIGHT.probabilities, ALL_RIGHT.labels) == pytest.approx(1.0)


def test_a_few_right_and_unsure_samples_do_not_ask_for_certainty():
    probabilities = np.tile([0.7, 0.2, 0.1], (5, 1))
    found = fit_temperature(probabilities, np.zeros(5, dtype=int))
    assert 0.4 < found < 1.0


def test_all_wrong_and_certain_ends_at_the_bound():
    probabilities = np.tile([1.0, 0.0], (1000, 1))
    assert fit_temperature(probabilities, np.ones(1000, dtype=int)) == pytest.approx(MAX_TEMPERATURE)
    assert fit_temperature(ALL_WRONG.probabilities, ALL_WRONG.labels) > 1.0


def test_certainty_that_is_always_earned_ends_at_the_bound():
    probabilities = np.tile([0.6, 0.4], (100_000, 1))
    assert MIN_TEMPERATURE < fit_temperature(probabilities, np.zeros(100_000, dtype=int)) < 0.1


@given(drawn_outcomes, temperatures)
def test_calibration_keeps_the_prediction_and_gives_probabilities(drawn, temperature):
    found = calibrated(drawn.probabilities.astype(np.float32), temperature)
    np.testing.assert_array_equal(found.argmax(axis=1), drawn.predicted)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert (found >= 0).all()


@given(temperatures, st.integers(2, 5))
def test_probabilities_that_differ_by_the_least_keep_their_order(temperature, classes):
    row = np.full(classes, 0.9 / classes, dtype=np.float32)
    row[-1] = np.nextafter(row[0], np.float32(1))
    assert calibrated([row], temperature).argmax() == classes - 1


@given(drawn_outcomes)
def test_temperature_1_changes_nothing(drawn):
    np.testing.assert_allclose(calibrated(drawn.probabilities, 1.0), drawn.probabilities, atol=1e-12)


def test_one_row_alone_is_calibrated_too():
    assert calibrated([0.9, 0.1], 2.0) == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_network_that_gives_no_numbers_is_reported(bad):
    with pytest.raises(DataError, match="must be finite numbers"):
        fit_temperature([[bad, 0.5]], [0])
    with pytest.raises(DataError, match="must be finite numbers"):
        calibrated([[bad, 0.5]], 1.0)
