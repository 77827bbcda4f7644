"""What two classifiers' answers to the same test samples say of which is the better one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from components.metrics.paired_tests import gains_by_group, mcnemar_exact, paired_bootstrap

SEED = 0  # Of the bootstrap: the same answers give the same interval.
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Champion and challenger on the same samples.

    `left_out` samples did not count, as one of the two had been trained on them. `difference` is the challenger's
    accuracy less the champion's, `low` to `high` its paired bootstrap interval at `level`. `groups_ahead` and
    `groups_behind` count the groups in which the challenger is right more and less often than the champion. `p_value`
    is the chance that one of two equal models leads so far: McNemar's exact test, one-sided, a group one vote.
    """

    samples: int
    groups: int
    left_out: int
    only_champion: int
    only_challenger: int
    champion_accuracy: float
    challenger_accuracy: float
    difference: float
    low: float
    high: float
    level: float
    groups_ahead: int
    groups_behind: int
    p_value: float


@dataclass(frozen=True, slots=True)
class ClassComparison:
    """Champion and challenger on one class's samples; `low` is the lower end of `difference`'s interval at the level.

    Without samples the recalls and the difference are None.
    """

    name: str
    samples: int
    groups: int
    champion_recall: float | None
    challenger_recall: float | None
    difference: float | None
    low: float | None


def compare(
    champion_right: Flags, challenger_right: Flags, groups: Sequence[str], rate: float, left_out: int = 0
) -> Comparison | None:
    """Return how the two compare, None without samples.

    Args:
        champion_right: bool `[N]`, whether the champion was right.
        challenger_right: bool `[N]`, likewise.
        groups: the N samples' groups.
        rate: a one-sided error rate; the interval leaves as much out on either side.
        left_out: how many samples were left out before.
    """
    if not len(groups):
        return None
    level = 1 - 2 * rate
    difference, low, high = paired_bootstrap(champion_right, challenger_right, groups, SEED, level=level)
    gains, _ = gains_by_group(champion_right, challenger_right, groups)
    ahead, behind = int((gains > 0).sum()), int((gains < 0).sum())
    return Comparison(
        samples=len(groups),
        groups=len(gains),
        left_out=left_out,
        only_champion=int((champion_right & ~challenger_right).sum()),
        only_challenger=int((challenger_right & ~champion_right).sum()),
        champion_accuracy=_rounded(champion_right.mean()),
        challenger_accuracy=_rounded(challenger_right.mean()),
        difference=_rounded(difference),
        low=_rounded(low),
        high=_rounded(high),
        level=_rounded(level),
        groups_ahead=ahead,
        groups_behind=behind,
        p_value=lead_p_value(ahead, behind),
    )


def lead_p_value(ahead: int, behind: int) -> float:
    """Return the chance that one of two equal models is ahead in `ahead` or more of all the cases that tell them apart.

    The upper tail of Binomial(ahead + behind, 1/2): McNemar's exact test, one-sided.
    """
    if ahead > behind:
        return _significant(mcnemar_exact(behind, ahead) / 2)
    return 1.0 if ahead == 0 else _significant(1 - mcnemar_exact(ahead - 1, behind + 1) / 2)


def compare_classes(
    champion_right: Flags,
    challenger_right: Flags,
    labels: Sequence[str],
    groups: Sequence[str],
    class_names: Sequence[str],
    rate: float,
) -> list[ClassComparison]:
    """Return how the two compare on each of `class_names`; the other arguments are those of `compare`."""
    found = []
    label_array, group_array = np.asarray(labels, dtype=object), np.asarray(groups, dtype=object)
    for name in class_names:
        mine = label_array == name
        found.append(
            _class_comparison(name, champion_right[mine], challenger_right[mine], list(group_array[mine]), rate)
        )
    return found


def _class_comparison(name: str, champion: Flags, challenger: Flags, groups: list[str], rate: float) -> ClassComparison:
    if not groups:
        return ClassComparison(name, 0, 0, None, None, None, None)
    gains, sizes = gains_by_group(champion, challenger, groups)
    return ClassComparison(
        name=name,
        samples=len(groups),
        groups=len(gains),
        champion_recall=_rounded(champion.mean()),
        challenger_recall=_rounded(challenger.mean()),
        difference=_rounded(gains.sum() / sizes.sum()),
        low=_rounded(difference_bound(gains / sizes, rate)),
    )


def difference_bound(differences: NDArray[np.float64], rate: float) -> float:
    """Return the lower bound, wrong with a chance of about `rate`, of the mean of `differences`, float `[G]`, -1 to 1.

    Bonett and Price's interval (2012, "Adjusted Wald confidence interval for a difference of binomial proportions based
    on paired data"), which adds one case won and one lost: unlike a bootstrap it stays honest with few cases or none
    that differ.
    """
    n = len(differences) + 2
    mean = float(differences.sum()) / n
    variance = (float((differences**2).sum()) + 2) / n - mean**2
    return max(-1.0, mean - NormalDist().inv_cdf(1 - rate) * math.sqrt(variance / n))


def _rounded(value: float | np.float64) -> float:
    return round(float(value), 6)


def _significant(value: float) -> float:
    return float(f"{value:.6g}")
