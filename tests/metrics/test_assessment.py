"""The statistics are plain JSON whatever comes, agree with scikit-learn, and are the same every time."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    classification_report,
    log_loss,
    roc_auc_score,
    top_k_accuracy_score,
)

from components.metrics.assessment import assess
from components.metrics.calibration import calibrated
from components.metrics.confusion_tables import MAX_CONFUSIONS
from components.metrics.curve_tables import MAX_CURVES
from components.metrics.curves import POINTS
from components.metrics.evaluation import wilson_interval
from components.step.errors import DataError
from tests.support.drawn_outcomes import DEGENERATE, Drawn, drawn_outcomes, realistic

INTERVALS = {
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "weighted_f1",
    "log_loss",
    "brier",
    "expected_calibration_error",
}


def _assess(drawn: Drawn, groups=None, temperature: float = 1.5, seed: int = 0) -> dict:
    total = len(drawn.labels)
    names = [f"class {i:04}" for i in range(drawn.classes)]
    sizes = [(320 + i % 7, 240) for i in range(total)]
    groups = groups or [f"group {i}" for i in range(total)]
    brightness = np.linspace(0, 255, total)
    return assess(drawn.labels, drawn.probabilities, names, groups, sizes, brightness, temperature, seed)


def _check_plain(found: dict) -> None:
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["ok"] + found["ko"] == found["total"]
    assert found["accuracy"] == found["ok"] / found["total"]
    assert found["accuracy_interval_95"] == [found["intervals"]["accuracy"][end] for end in ("low", "high")]
    assert set(found["intervals"]) == INTERVALS


@settings(max_examples=60)
@given(drawn_outcomes, st.sampled_from([0.05, 0.7, 1.0, 20.0]), st.integers(1, 4))
def test_plain_json_on_any_input(drawn, temperature, share):
    _check_plain(_assess(drawn, [f"group {i // share}" for i in range(len(drawn.labels))], temperature))


@pytest.mark.parametrize("drawn", DEGENERATE)
def test_plain_json_on_degenerate_input(drawn):
    _check_plain(_assess(drawn))


def test_equal_to_the_report_of_scikit_learn():
    drawn = realistic(500, 6, seed=8)
    found = _assess(drawn)
    names = found["class_names"]
    expected = classification_report(drawn.labels, drawn.predicted, target_names=names, output_dict=True)
    for row in found["classes"]:
        other = expected[row["class_name"]]
        assert [row["precision"], row["recall"], row["f1"], row["support"]] == pytest.approx(
            [other["precision"], other["recall"], other["f1-score"], other["support"]], abs=1e-9
        )
    for name in ("macro", "weighted"):
        other = expected[f"{name} avg"]
        assert [found[f"{name}_{score}"] for score in ("precision", "recall", "f1")] == pytest.approx(
            [other["precision"], other["recall"], other["f1-score"]], abs=1e-9
        )


def test_ranking_metrics_are_of_the_networks_probabilities_and_losses_of_the_calibrated():
    drawn = realistic(500, 6, seed=9)
    found = _assess(drawn, temperature=1.8)
    curves = found["curves"]
    assert curves["macro_roc_auc"] == pytest.approx(
        roc_auc_score(drawn.labels, drawn.probabilities, multi_class="ovr"), abs=1e-9
    )
    one_hot = np.eye(6)[drawn.labels]
    assert curves["macro_average_precision"] == pytest.approx(
        average_precision_score(one_hot, drawn.probabilities, average="macro"), abs=1e-9
    )
    for row in found["top_k"]:
        assert row["accuracy"] == pytest.approx(top_k_accuracy_score(drawn.labels, drawn.probabilities, k=row["k"]))
    assert [row["k"] for row in found["top_k"]] == [1, 2, 3, 5]
    assert found["log_loss"] == pytest.approx(log_loss(drawn.labels, calibrated(drawn.probabilities, 1.8)), abs=1e-9)
    assert found["calibration"]["before"]["log_loss"] == pytest.approx(log_loss(drawn.labels, drawn.probabilities))
    assert found["calibration"]["after"]["log_loss"] == found["log_loss"]


def test_calibration_with_the_true_temperature_helps_and_keeps_the_accuracy():
    calibration = _assess(realistic(2000, 5, seed=10, sharpness=2.0), temperature=1.8)["calibration"]
    for name in ("log_loss", "brier", "expected_calibration_error"):
        assert calibration["after"][name] < calibration["before"][name]
    right = [sum(part["right"] for part in calibration[when]["reliability"]) for when in ("before", "after")]
    assert right[0] == right[1]


def test_samples_of_their_own_get_wilsons_interval():
    drawn = realistic(100, 3, seed=0)
    found = _assess(drawn)
    assert found["accuracy_interval_95"] == list(wilson_interval(found["ok"], 100))
    assert found["intervals"]["accuracy"]["method"] == "wilson"
    assert found["intervals"]["macro_f1"]["method"] == "bootstrap"


def test_groups_that_are_right_or_wrong_together_widen_the_interval():
    drawn = realistic(30, 3, seed=1, sharpness=1.0)
    copies = Drawn(np.repeat(drawn.labels, 10), np.repeat(drawn.probabilities, 10, axis=0))
    found = _assess(copies, [f"group {i // 10}" for i in range(300)])
    low, high = found["accuracy_interval_95"]
    narrow = wilson_interval(found["ok"], 300)
    assert low < narrow[0] < narrow[1] < high
    assert high - low > 2 * (narrow[1] - narrow[0])
    assert found["intervals"]["macro_f1"]["method"] == "bootstrap by group"
    assert found["groups"] == 30


def test_one_group_leaves_intervals_undefined_but_the_accuracys():
    found = _assess(realistic(20, 3, seed=1), ["one"] * 20)
    assert found["intervals"]["macro_f1"] is None
    assert found["accuracy_interval_95"] == list(wilson_interval(found["ok"], 20))


def test_a_class_without_samples_is_null_not_zero():
    drawn = Drawn(np.array([0, 0, 1]), np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.2, 0.7, 0.1]]))
    found = _assess(drawn)
    absent = found["classes"][2]
    assert [absent[name] for name in ("support", "precision", "recall", "f1", "recall_interval")] == [0, *[None] * 4]
    assert found["curves"]["classes"][2] == {"class_name": "class 0002", "roc_auc": None, "average_precision": None}
    assert found["confusion_matrix"]["rates"][2] == [None] * 3
    assert found["slices"]["by_class"][2]["accuracy"] is None
    assert [curve["class_name"] for curve in found["curves"]["shown"]] == ["class 0000", "class 0001"]
    assert found["top_k"] is None


def test_confusions_are_the_largest_wrong_cells():
    drawn = realistic(400, 4, seed=3, sharpness=1.0)
    found = _assess(drawn)
    counts = np.array(found["confusion_matrix"]["counts"])
    assert sum(cell["count"] for cell in found["confusions"]) == counts.sum() - np.trace(counts) == found["ko"]
    sizes = [cell["count"] for cell in found["confusions"]]
    assert sizes == sorted(sizes, reverse=True)
    first, names = found["confusions"][0], found["class_names"]
    row, column = names.index(first["truth"]), names.index(first["predicted"])
    assert first["count"] == counts[row, column]
    assert first["rate"] == counts[row, column] / counts[row].sum()


def test_a_thousand_classes_stay_small():
    found = _assess(realistic(3000, 1000, seed=4, sharpness=6.0))
    assert found["confusion_matrix"] is None
    assert len(found["classes"]) == len(found["curves"]["classes"]) == len(found["slices"]["by_class"]) == 1000
    shown = [curve["class_name"] for curve in found["curves"]["shown"]]
    assert len(shown) == MAX_CURVES
    assert shown == sorted(shown)
    assert len(found["confusions"]) == MAX_CONFUSIONS
    assert max(len(curve["roc"]["threshold"]) for curve in found["curves"]["shown"]) <= POINTS
    assert len(found["abstention"]["curve"]["coverage"]) <= POINTS
    assert [row["k"] for row in found["top_k"]] == [1, 2, 3, 5, 10]
    assert len(json.dumps(found)) < 1_500_000


def test_the_same_input_gives_the_same_bytes_and_the_seed_only_moves_intervals():
    drawn = realistic(200, 4, seed=5)
    once, again, other = _assess(drawn), _assess(drawn), _assess(drawn, seed=1)
    assert json.dumps(once) == json.dumps(again)
    assert once["intervals"] != other["intervals"]
    assert {**once, "intervals": None} == {**other, "intervals": None}


def test_no_samples_are_refused():
    with pytest.raises(DataError, match="There must be samples"):
        assess([], np.zeros((0, 2)), ["a", "b"], [], np.zeros((0, 2)), [], 1.0, 0)


@pytest.mark.parametrize("labels", [[2], [-1], [0, 1]])
def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(ValueError, match="must be"):
        assess(labels, [[0.5, 0.5]], ["a", "b"], ["g"], [(1, 1)], [0.0], 1.0, 0)


def test_a_network_that_gives_no_numbers_is_refused():
    with pytest.raises(DataError, match="must be finite numbers"):
        assess([0], [[np.nan, 0.5]], ["a", "b"], ["g"], [(1, 1)], [0.0], 1.0, 0)
