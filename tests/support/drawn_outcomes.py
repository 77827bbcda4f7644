"""Outcomes of imaginary models for property tests: few samples, many ties, classes without samples."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st


@dataclass(frozen=True)
class Drawn:
    """Labels int [N] and probabilities float64 [N, classes] of a model."""

    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1)

    @property
    def classes(self) -> int:
        return self.probabilities.shape[1]


def _drawn(labels: list[int], weights: list[list[int]]) -> Drawn:
    shares = np.array(weights, dtype=np.float64)
    return Drawn(np.array(labels), shares / shares.sum(axis=1, keepdims=True))


def outcomes_of(classes: int) -> st.SearchStrategy[Drawn]:
    """Return a strategy for the outcomes of 1 to 40 samples."""
    # Small whole numbers as weights: ties within a row and between rows are frequent, and so are zeros and certainty.
    row = st.lists(st.integers(0, 3), min_size=classes, max_size=classes).filter(any)
    sample = st.tuples(st.integers(0, classes - 1), row)
    return st.lists(sample, min_size=1, max_size=40).map(lambda found: _drawn(*map(list, zip(*found, strict=True))))


drawn_outcomes = st.integers(2, 6).flatmap(outcomes_of)

ALL_WRONG = _drawn([0, 0, 1, 1], [[0, 1, 0], [1, 2, 1], [3, 0, 1], [1, 0, 9]])
ONE_SAMPLE = _drawn([1], [[1, 3, 1]])
ALL_TIED = _drawn([0, 1, 2, 2], [[1, 1, 1]] * 4)
ONE_CLASS_ABSENT = _drawn([0, 0, 1, 1, 1], [[5, 1, 0], [2, 3, 1], [1, 4, 2], [0, 2, 3], [1, 1, 0]])
ALL_RIGHT = _drawn([0, 1, 2], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
DEGENERATE = [ALL_WRONG, ONE_SAMPLE, ALL_TIED, ONE_CLASS_ABSENT, ALL_RIGHT]


def realistic(samples: int, classes: int, seed: int, sharpness: float = 4.0, overconfidence: float = 1.8) -> Drawn:
    """Return a model that knows something and claims to know more: its true temperature is `overconfidence`."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(samples, classes)) * sharpness
    truth = _softmax(logits)
    labels = (truth.cumsum(axis=1) > random.random((samples, 1))).argmax(axis=1)
    return Drawn(labels, _softmax(logits * overconfidence))


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
