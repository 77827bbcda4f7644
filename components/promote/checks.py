"""The checks that a challenger must pass, each with its reason in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from components.parameters.policy import PromotionPolicy
from components.promote.paired_evidence import ClassComparison, Comparison
from components.step.counts import counted
from components.step.errors import first_ten, one_line

# A check that has failed refuses the challenger; one that is undecided needs more test samples.
Outcome = Literal["failed", "undecided", "passed", "note"]


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found; a note decides nothing."""

    name: str
    outcome: Outcome
    reason: str


def check_samples(comparison: Comparison | None, policy: PromotionPolicy) -> Check:
    """Check that there are enough test samples to say anything."""
    found = comparison.groups if comparison else 0
    left_out = f" ({comparison.left_out} left out)" if comparison and comparison.left_out else ""
    independent = counted(found, "independent test sample")
    words = f"{independent}{left_out}, the policy asks for {policy.minimum_samples}"
    if found < policy.minimum_samples:
        return Check("samples", "undecided", f"Too few: {words}.")
    return Check("samples", "passed", f"Enough: {words}.")


def check_class_samples(classes: Sequence[ClassComparison], policy: PromotionPolicy) -> Check:
    """Check that there are enough test samples of each class to see it get worse."""
    few = [f"{one_line(c.name, 80)} ({c.groups})" for c in classes if c.groups < policy.minimum_class_samples]
    minimum = f"the policy asks for {policy.minimum_class_samples} a class"
    if few:
        return Check("class samples", "undecided", f"Too few test samples of {first_ten(few)}; {minimum}.")
    return Check("class samples", "passed", f"Enough test samples of each class; {minimum}.")


def check_accuracy(comparison: Comparison, rate: float) -> Check:
    """Check that the challenger is better on this test set: McNemar's exact test and the paired bootstrap agree."""
    low, high = points(comparison.low).removesuffix(" points"), points(comparison.high)
    interval = f"{percent(comparison.level)} interval {low} to {high}"
    words = f"On this test set {_both(comparison)} ({interval}). {_alone(comparison)}"
    if comparison.groups_ahead <= comparison.groups_behind:
        return Check("accuracy", "failed", f"{words}: the challenger does not lead.")
    chance = f"between equal models such a lead has a chance of {comparison.p_value:.3g}, the policy allows {rate:.3g}"
    better = comparison.p_value <= rate and comparison.low > 0
    return Check("accuracy", "passed" if better else "failed", f"{words}: {chance}.")


def check_classes(classes: Sequence[ClassComparison], policy: PromotionPolicy) -> Check:
    """Check that the challenger is not inferior, by more than the margin, on any class with enough samples to tell."""
    judged = [c for c in classes if c.groups >= policy.minimum_class_samples]
    lost = [_class_words(c) for c in judged if c.difference is not None and c.difference < -policy.class_margin]
    margin = f"a class may lose {points(policy.class_margin, sign=False)}"
    if lost:
        return Check("classes", "failed", f"Recall falls too far on {first_ten(lost)}; {margin}.")
    unsure = [_class_words(c) for c in judged if c.low is not None and c.low < -policy.class_margin]
    if unsure and policy.class_evidence == "interval":
        return Check("classes", "undecided", f"A loss cannot be ruled out on {first_ten(unsure)}; {margin}.")
    return Check("classes", "passed", f"No class's recall falls too far; {margin}.")


def check_lost(lost: Sequence[str], policy: PromotionPolicy) -> list[Check]:
    """Check that nothing of the champion's past is lost, unless the policy decides without; none where nothing is."""
    if lost and policy.lost_past == "refuse":
        refused = "The policy refuses to decide on this run's test set alone (lost_past)."
        return [Check("past", "failed", f"{' '.join(lost)} {refused}")]
    alone = ["Decided on this run's test set alone."] if lost else []
    return [Check("past", "note", words) for words in [*alone, *lost]]


def check_guess(comparison: Comparison, rate: float) -> Check:
    """Check that the challenger, where no champion answers, is better than always naming the most frequent class."""
    samples = counted(comparison.samples, "sample")
    words = (
        f"The challenger is right on {percent(comparison.challenger_accuracy)} of {samples}; always "
        f"naming the most frequent class is right on {percent(comparison.champion_accuracy)}"
    )
    better = comparison.groups_ahead > comparison.groups_behind and comparison.p_value <= rate
    return Check("guess", "passed" if better else "failed", f"{words}{'' if better else ': no better for certain'}.")


def check_champion_test(comparison: Comparison | None, policy: PromotionPolicy) -> Check:
    """Check that the challenger is not worse by more than the margin on the champion's own test set."""
    name = "champion's test set"
    if comparison is None or comparison.groups < policy.minimum_samples:
        count = comparison.groups if comparison else 0
        neither = f"{counted(count, 'sample')} that neither has seen"
        return Check(name, "note", f"The champion's own test set does not count: {neither}.")
    margin = points(policy.champion_test_margin, sign=False)
    words = f"On the champion's own test set {_both(comparison)}; the challenger may lose {margin}."
    return Check(name, "failed" if comparison.difference < -policy.champion_test_margin else "passed", words)


def check_size(megabytes: float, policy: PromotionPolicy) -> Check | None:
    """Check that the bundle is within the policy's budget, if that has one."""
    if (budget := policy.maximum_size_megabytes) is None:
        return None
    words = f"The bundle has {megabytes:.1f} MB; the policy allows {budget:g} MB."
    return Check("size", "passed" if megabytes <= budget else "failed", words)


def check_latency(within: bool | None, policy: PromotionPolicy) -> Check | None:
    """Check that an answer takes no longer than the policy allows, if it was measured.

    The figure itself is in the log and the metrics: the decision stays the same when it varies.
    """
    if within is None:
        return None
    words = f"An answer takes {'at most' if within else 'longer than'} the {policy.maximum_latency_milliseconds:g} ms"
    return Check("latency", "passed" if within else "failed", f"{words} that the policy allows.")


def percent(share: float) -> str:
    """Return `share` as per cent."""
    return f"{100 * share:.1f} %"


def points(difference: float, sign: bool = True) -> str:
    """Return a difference of shares in percentage points."""
    return f"{100 * difference:{'+' if sign else ''}.1f} points"


def _both(comparison: Comparison) -> str:
    samples = counted(comparison.samples, "sample")
    return (
        f"the challenger is right on {percent(comparison.challenger_accuracy)} and the champion on "
        f"{percent(comparison.champion_accuracy)} of {samples}: {points(comparison.difference)}"
    )


def _alone(comparison: Comparison) -> str:
    times = counted(comparison.only_challenger, "time")
    alone = f"Alone right: the challenger {times}, the champion {comparison.only_champion}"
    if comparison.groups == comparison.samples:
        return alone
    return f"{alone}; by group, {comparison.groups_ahead} to {comparison.groups_behind}"


def _class_words(found: ClassComparison) -> str:
    return f"{one_line(found.name, 80)} ({points(found.difference or 0.0)} of {counted(found.samples, 'sample')})"
