"""Every two of several runs tested against each other on the samples that both have seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from components.metrics.paired_tests import gains_by_group, holm, mcnemar_exact, paired_bootstrap
from pipeline.compare.runs import TestedRun

SEED = 0  # Of the resampling: the same runs give the same intervals.
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs, by their numbers in the comparison: how many samples only one of them got right, and what that says.

    `difference` is the second's accuracy less the first's, with its 95 % bootstrap interval by group; `p` is McNemar's
    exact two-sided p value, a group one vote for the run that is right more often in it, and `p_holm` the same adjusted
    for the number of all pairs.
    """

    first: int
    second: int
    only_first: int
    only_second: int
    difference: float
    interval_95: tuple[float, float]
    p: float
    p_holm: float

    @property
    def beyond_chance(self) -> bool:
        """Whether chance alone is an unlikely cause of the difference, at 5 % over all pairs together."""
        return self.p_holm < LEVEL


def paired_tests(runs: Sequence[TestedRun]) -> list[Pair]:
    """Return the tests of every two of `runs`, whose numbers are their places in the list from 1.

    All pairs are tested and adjusted for, not only those with the best: which run is the best is itself read off these
    samples, and an adjustment for its pairs alone would not cover that choice.
    """
    numbered = list(combinations(range(len(runs)), 2))
    p_values = [_p_value(runs[a], runs[b]) for a, b in numbered]
    return [
        _pair(runs, place, p, adjusted) for place, p, adjusted in zip(numbered, p_values, holm(p_values), strict=True)
    ]


def _p_value(first: TestedRun, second: TestedRun) -> float:
    # Images of a group are right or wrong together; as votes of their own they would make chance look unlikely.
    gains, _ = gains_by_group(first.right, second.right, first.groups)
    return mcnemar_exact(int((gains < 0).sum()), int((gains > 0).sum()))


def _pair(runs: Sequence[TestedRun], place: tuple[int, int], p: float, adjusted: float) -> Pair:
    first, second = (runs[index] for index in place)
    only_first, only_second = int(np.sum(first.right & ~second.right)), int(np.sum(second.right & ~first.right))
    difference, low, high = paired_bootstrap(first.right, second.right, first.groups, SEED)
    return Pair(place[0] + 1, place[1] + 1, only_first, only_second, difference, (low, high), p, adjusted)
