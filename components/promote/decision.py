"""The decision: evidence in, verdict and reasons out. The same evidence and policy give the same bytes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from components.parameters.policy import PromotionPolicy
from components.promote.checks import (
    Check,
    check_accuracy,
    check_champion_test,
    check_class_samples,
    check_classes,
    check_guess,
    check_latency,
    check_lost,
    check_samples,
    check_size,
)
from components.promote.paired_evidence import ClassComparison, Comparison

PROMOTED, KEPT, NOT_ENOUGH, FIRST = "promoted", "kept champion", "not enough evidence", "first model"
PROMOTING = (PROMOTED, FIRST)
_FIRST_TO_TELL = ("failed", "undecided", "passed", "note")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bundle that is compared: `version` in the registry, "" if it is not there."""

    digest: str
    dataset_fingerprint: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of the two.

    `obstacle` says why they cannot be compared, "" if they can. `look` counts the comparisons with this champion,
    this one included: 0 where there is none. `within_latency` is None where no budget asks for it. `notes` are
    worth telling and decide nothing. `lost` says what of the champion's past cannot be read any more. Where there is no
    champion or its bundle is lost, `guess` compares the challenger with always naming the most frequent class; of a
    lost champion it takes the place.
    """

    challenger: Candidate
    champion: Candidate | None = None
    obstacle: str = ""
    look: int = 0
    comparison: Comparison | None = None
    classes: Sequence[ClassComparison] = ()
    champion_test: Comparison | None = None
    size_megabytes: float = 0.0
    within_latency: bool | None = None
    notes: Sequence[str] = ()
    lost: Sequence[str] = ()
    guess: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and the checks that led to it."""

    verdict: str
    checks: list[Check] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        """What to tell, what decided first."""
        ordered = sorted(self.checks, key=lambda check: _FIRST_TO_TELL.index(check.outcome))
        return [check.reason for check in ordered]

    @property
    def promotes(self) -> bool:
        """Whether the challenger becomes the champion."""
        return self.verdict in PROMOTING


def decide(evidence: Evidence, policy: PromotionPolicy) -> Decision:
    """Return the verdict on the challenger: `promoted`, `kept champion`, `not enough evidence` or `first model`.

    A check that failed keeps the champion, whatever else is lacking; then one that is undecided asks for more evidence.
    """
    checks = [check for check in _checks(evidence, policy) if check]
    outcomes = {check.outcome for check in checks}
    if "failed" in outcomes:
        return Decision(KEPT, checks)
    if "undecided" in outcomes:
        return Decision(NOT_ENOUGH, checks)
    return Decision(PROMOTED if evidence.champion else FIRST, checks)


def allowed_rate(policy: PromotionPolicy, look: int) -> float:
    """Return the chance that this comparison may have of promoting an equal model.

    Over all comparisons with one champion: rate / (k (k + 1)) for the k-th, which sum up to the rate however many there
    are, so that by Bonferroni's inequality their chance together stays below it.
    """
    if policy.rate_over == "comparison":
        return policy.false_promotion_rate
    return policy.false_promotion_rate / (max(look, 1) * (max(look, 1) + 1))


def decision_json(
    decision: Decision, evidence: Evidence, policy: PromotionPolicy, model_name: str, dry_run: bool
) -> dict[str, Any]:
    """Return `decision.json`: no times and no paths, so that the same inputs give the same bytes."""
    return {
        "verdict": decision.verdict,
        "reasons": decision.reasons,
        "checks": [asdict(check) for check in decision.checks],
        "model_name": model_name,
        "dry_run": dry_run,
        "policy": asdict(policy),
        "allowed_rate": float(f"{allowed_rate(policy, evidence.look):.6g}"),
        "evidence": asdict(evidence),
    }


def _checks(evidence: Evidence, policy: PromotionPolicy) -> list[Check | None]:
    budgets = [check_size(evidence.size_megabytes, policy), check_latency(evidence.within_latency, policy)]
    notes = [Check("note", "note", note) for note in evidence.notes]
    if evidence.obstacle:
        return [Check("comparable", "failed", evidence.obstacle), *budgets, *notes]
    if evidence.champion is None:
        first = Check("champion", "passed", "There is no champion yet to compare with.")
        return [first, *_guess_notes(evidence, policy), *budgets, *notes]
    lost = check_lost(evidence.lost, policy)
    found = _guess_checks(evidence.guess, evidence, policy) if evidence.guess else _evidence_checks(evidence, policy)
    return [*lost[:1], *found, *budgets, *notes, *lost[1:]]  # That it is so first, what it is last.


def _guess_notes(evidence: Evidence, policy: PromotionPolicy) -> list[Check]:
    """Return what to tell of a first model: it is promoted in any case, so that there is one to go on from."""
    return [replace(check_guess(evidence.guess, allowed_rate(policy, 0)), outcome="note")] if evidence.guess else []


def _guess_checks(guess: Comparison, evidence: Evidence, policy: PromotionPolicy) -> list[Check]:
    enough = check_samples(guess, policy)
    return (
        [enough] if enough.outcome == "undecided" else [enough, check_guess(guess, allowed_rate(policy, evidence.look))]
    )


def _evidence_checks(evidence: Evidence, policy: PromotionPolicy) -> list[Check]:
    enough = [check_samples(evidence.comparison, policy), check_class_samples(evidence.classes, policy)]
    if evidence.comparison is None or enough[0].outcome == "undecided":
        return enough  # With so few samples, that nothing is shown says nothing.
    return [
        *enough,
        check_accuracy(evidence.comparison, allowed_rate(policy, evidence.look)),
        check_classes(evidence.classes, policy),
        check_champion_test(evidence.champion_test, policy),
    ]
