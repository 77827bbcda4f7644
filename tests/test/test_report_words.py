"""The report's first lines claim no more than the figures: no winner of a tie, nothing frequent that happened once."""

import pytest

from components.metrics.confusion_tables import class_table, largest_confusions
from components.test.report_words import verdict

NAMES = ["ant", "bee", "cat"]


def words(matrix):
    """Return the verdict's sentences about the test with this confusion matrix."""
    import numpy as np

    counts = np.array(matrix)
    right, total = int(np.trace(counts)), int(counts.sum())
    statistics = {
        "classes": class_table(counts, NAMES), "confusions": largest_confusions(counts, NAMES), "ok": right,
        "total": total, "accuracy_interval_95": [0.0, 1.0],
        "calibration": {when: {"expected_calibration_error": 0.1} for when in ("before", "after")},
        "slices": {"by_group": [], "by_size": [], "by_brightness": []},
    }  # fmt: skip
    shown = {"suspected_label_errors": {"total": 0}, "leakage": {"total": 0}}
    return " ".join(sentence.markdown() for sentence in verdict(statistics, shown))


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ([[3, 1, 0], [0, 4, 0], [0, 0, 4]], "The only mistake is **ant** taken for **bee**, once."),
        ([[3, 2, 0], [0, 5, 0], [0, 0, 5]], "The only mistake is **ant** taken for **bee**, 2 times."),
        ([[3, 2, 0], [1, 4, 0], [0, 0, 5]], "The most frequent mistake is **ant** taken for **bee**, 2 times."),
        ([[3, 1, 0], [1, 3, 0], [0, 0, 4]], "No mistake was made twice."),
        ([[3, 2, 0], [2, 3, 0], [0, 0, 5]], "No mistake is the most frequent: several were made 2 times each."),
        ([[5, 0, 0], [0, 4, 0], [0, 0, 4]], "**ant**, the most frequent class, right for 38.5"),
        ([[4, 0, 0], [0, 4, 0], [0, 0, 3]], "always answering one and the same class, right for at most 36.4"),
        ([[3, 1, 0], [1, 3, 0], [0, 0, 4]], "2 classes are the weakest alike: 75.0"),
        ([[3, 1, 0], [0, 4, 0], [0, 0, 4]], "The weakest class is **ant**: 3 of its 4 images are found."),
    ],
)
def test_ties_have_no_winner(matrix, said):
    assert said in words(matrix)


def test_a_tie_is_never_called_the_most_frequent():
    assert "most frequent class" not in words([[4, 0, 0], [0, 4, 0], [0, 0, 3]])
    assert "once" not in words([[3, 1, 0], [1, 3, 0], [0, 0, 4]])
