"""Promotion in simulation: how often the gate promotes an equal model, and how often it sees a real gain.

Each simulated test set is judged by the gate itself, with the default policy, classes of equal size.
"""

import argparse
import functools
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.measure import publish, table
from components.parameters.policy import PromotionPolicy
from components.promote.decision import PROMOTED, Candidate, Evidence, allowed_rate, decide
from components.promote.paired_evidence import (
    ClassComparison,
    Comparison,
    Flags,
    compare,
    compare_classes,
    lead_p_value,
)

PAGE = Path(__file__).parent.parent / "docs" / "promotion.md"
SIZES = (20, 50, 100, 200, 500, 1000, 2000)
PAIRS = 10_000
CLASSES = 4
GAIN = 0.05
POLICY = PromotionPolicy()
# The bare test: no minimum of samples, no margins.
TEST_ONLY = replace(POLICY, minimum_samples=1, minimum_class_samples=0, class_margin=1.0)
# Also with few samples of a class.
SMALL = replace(POLICY, minimum_samples=20, minimum_class_samples=5)


@dataclass(frozen=True)
class Models:
    """Two models: on which share of the samples the champion alone, and the challenger alone, is right.

    `group_size` samples have the same outcome: pages of one document, say.
    """

    only_champion: float
    only_challenger: float
    group_size: int = 1


def equal(disagreement: float, group_size: int = 1) -> Models:
    """Return two equally good models that disagree on a share of the samples."""
    return Models(disagreement / 2, disagreement / 2, group_size)


def better(disagreement: float) -> Models:
    """Return a challenger that is GAIN better, and disagrees on a share of the samples."""
    return Models((disagreement - GAIN) / 2, (disagreement + GAIN) / 2)


def promoted_share(models: Models, size: int, policy: PromotionPolicy, pairs: int = PAIRS, seed: int = 0) -> float:
    """Return in which share of `pairs` simulated test sets of `size` samples the gate promotes the challenger."""
    random = np.random.default_rng([seed, size])
    chances = [models.only_champion, models.only_challenger, 1 - models.only_champion - models.only_challenger]
    gains = random.choice(np.array([-1, 1, 0], np.int8), (pairs, max(1, size // models.group_size)), p=chances)
    # For each pair and class: how many groups are won, and how many lost.
    won = np.stack([(gains[:, i::CLASSES] > 0).sum(axis=1) for i in range(CLASSES)], axis=1)
    lost = np.stack([(gains[:, i::CLASSES] < 0).sum(axis=1) for i in range(CLASSES)], axis=1)
    groups = [len(range(i, gains.shape[1], CLASSES)) for i in range(CLASSES)]
    promoted = 0
    for ahead, behind in zip(won.tolist(), lost.tolist(), strict=True):
        classes = tuple(Counts(*counts) for counts in zip(ahead, behind, groups, strict=True))
        promoted += _promotes(classes, models.group_size, policy)
    return promoted / pairs


class Counts(NamedTuple):
    """In how many groups the challenger leads and trails, and how many there are; they tell all of a comparison."""

    ahead: int
    behind: int
    groups: int


def _promotes(classes: tuple[Counts, ...], group_size: int, policy: PromotionPolicy) -> bool:
    rate = allowed_rate(policy, 1)
    in_all = Counts(*map(sum, zip(*classes, strict=True)))
    if lead_p_value(in_all.ahead, in_all.behind) > rate:
        return False  # The gate would say the same, after its bootstrap.
    compared = [_class(f"class {i}", counts, group_size, rate) for i, counts in enumerate(classes) if counts.groups]
    found = Evidence(
        Candidate("b", "f"),
        Candidate("a", "f", "1"),
        comparison=_comparison(in_all, group_size, rate),
        classes=compared,
    )
    return decide(found, policy).verdict == PROMOTED


@functools.cache
def _comparison(counts: Counts, group_size: int, rate: float) -> Comparison | None:
    return compare(*_answers(counts, group_size), rate)


@functools.cache
def _class(name: str, counts: Counts, group_size: int, rate: float) -> ClassComparison:
    champion, challenger, groups = _answers(counts, group_size)
    return compare_classes(champion, challenger, [name] * len(groups), groups, [name], rate)[0]


def _answers(counts: Counts, group_size: int) -> tuple[Flags, Flags, list[str]]:
    """Return which samples champion and challenger get right, and the samples' groups."""
    gains = np.repeat([1, -1, 0], [counts.ahead, counts.behind, counts.groups - counts.ahead - counts.behind])
    gains = np.repeat(gains, group_size)
    return gains <= 0, gains >= 0, [str(i // group_size) for i in range(len(gains))]


def rates_table(sizes: Sequence[int] = SIZES, pairs: int = PAIRS) -> tuple[str, bool]:
    """Return the table of false promotions, and whether each is at most the stated rate."""
    kinds = {
        "differ on 5 %": (equal(0.05), POLICY),
        "10 %": (equal(0.1), POLICY),
        "20 %": (equal(0.2), POLICY),
        "20 %, without minimum and margins": (equal(0.2), TEST_ONLY),
        "20 %, groups of 5, likewise": (equal(0.2, 5), TEST_ONLY),
    }
    found = [[promoted_share(models, size, policy, pairs) for models, policy in kinds.values()] for size in sizes]
    rows = [[size, *(f"{100 * share:.2f} %" for share in row)] for size, row in zip(sizes, found, strict=True)]
    return table(["test samples", *kinds], rows), max(map(max, found)) <= POLICY.false_promotion_rate


def power_table(sizes: Sequence[int] = SIZES, pairs: int = PAIRS) -> str:
    """Return the table of how often a challenger that is GAIN better is promoted."""
    kinds = {
        "differ on 6 %": (better(0.06), POLICY),
        "10 %": (better(0.1), POLICY),
        "20 %": (better(0.2), POLICY),
        "10 %, minimum 20, 5 a class": (better(0.1), SMALL),
    }
    rows = [
        [size, *(f"{100 * promoted_share(models, size, policy, pairs, 1):.0f} %" for models, policy in kinds.values())]
        for size in sizes
    ]
    return table(["test samples", *kinds], rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, print the tables; return 1 if equal models are promoted more often than the policy states."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promotion", description=__doc__)
    parser.add_argument("--update", action="store_true", help="put the tables into docs/promotion.md")
    arguments = parser.parse_args(argv)
    rates, held = rates_table()
    publish("rates", rates, arguments.update, PAGE)
    publish("power", power_table(), arguments.update, PAGE)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
