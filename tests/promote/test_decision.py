"""The decision: evidence in, verdict and reasons out, the same bytes each time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.parameters.policy import PromotionPolicy
from components.promote.decision import Candidate, Evidence, allowed_rate, decide, decision_json
from components.promote.paired_evidence import compare, compare_classes
from components.step.files import json_text

POLICY = PromotionPolicy()
CLASS_NAMES = ["cat", "dog"]


def evidence(champion: str, challenger: str, **changes: object) -> Evidence:
    """Return the evidence of answers written as "+" (right) and "-" (wrong), in turn of a cat and of a dog."""
    rights = [np.array([sign == "+" for sign in signs]) for signs in (champion, challenger)]
    groups, labels = [str(i) for i in range(len(champion))], [CLASS_NAMES[i % 2] for i in range(len(champion))]
    found = Evidence(
        Candidate("b" * 64, "f" * 64),
        Candidate("a" * 64, "f" * 64, "7"),
        comparison=compare(*rights, groups, 0.05),
        classes=compare_classes(*rights, labels, groups, CLASS_NAMES, 0.05),
        champion_test=compare(*rights, groups, 0.05),
    )
    return replace(found, **changes)


BETTER = evidence("+" * 80 + "-" * 20, "+" * 100)
WORSE = evidence("+" * 100, "+" * 80 + "-" * 20)


def verdict(found: Evidence, policy: PromotionPolicy = POLICY) -> str:
    return decide(found, policy).verdict


def test_the_four_verdicts():
    assert verdict(BETTER) == "promoted"
    assert verdict(WORSE) == "kept champion"
    assert verdict(evidence("+" * 100, "+" * 100)) == "kept champion"
    assert verdict(evidence("-" * 49, "+" * 49)) == "not enough evidence"
    assert verdict(Evidence(Candidate("b", "f"))) == "first model"


@pytest.mark.parametrize(("answers", "doubted"), [("+" * 100, False), ("+-" * 50, True), ("-" * 100, True)])
def test_of_a_first_model_it_is_said_whether_it_does_better_than_a_guess(answers, doubted):
    always_cat = evidence("+-" * 50, answers).comparison
    decision = decide(Evidence(Candidate("b", "f"), guess=always_cat), POLICY)
    assert decision.verdict == "first model"
    assert any("no better for certain" in reason for reason in decision.reasons) is doubted
    assert any("always naming the most frequent class is right on 50.0 %" in reason for reason in decision.reasons)


def test_a_lead_that_chance_explains_is_not_enough():
    # Four samples to none: one of sixteen pairs of equal models looks like that.
    assert verdict(evidence("+" * 96 + "----", "+" * 100)) == "kept champion"
    assert verdict(evidence("+" * 95 + "-----", "+" * 100)) == "promoted"
    assert (
        verdict(evidence("+" * 95 + "-----", "+" * 100), replace(POLICY, false_promotion_rate=0.03)) == "kept champion"
    )


def test_a_group_is_one_vote():
    rights = np.repeat([False, True], [20, 80]), np.ones(100, bool)
    alone = compare(*rights, [str(i) for i in range(100)], 0.05)
    together = compare(*rights, [str(i // 10) for i in range(100)], 0.05)
    assert (alone.p_value, together.p_value) == (pytest.approx(2**-20, rel=1e-4), 0.25)
    policy = replace(POLICY, minimum_samples=5, minimum_class_samples=1)
    assert verdict(replace(BETTER, comparison=together), policy) == "kept champion"


def test_a_class_that_gets_worse_keeps_the_champion():
    champion, challenger = "+-" * 30 + "++" * 30, "++" * 30 + "-+" * 4 + "++" * 26  # 30 dogs won, 4 of 60 cats lost.
    assert verdict(evidence(champion, challenger)) == "promoted"
    policy = replace(POLICY, class_margin=0.05)
    decision = decide(evidence(champion, challenger), policy)
    assert decision.verdict == "kept champion"
    assert (
        decision.reasons[0]
        == "Recall falls too far on cat (-6.7 points of 60 samples) (1 in all); a class may lose 5.0 points."
    )
    surely = replace(POLICY, class_evidence="interval")
    assert verdict(evidence(champion, challenger), surely) == "not enough evidence"
    assert verdict(evidence(champion, challenger), replace(surely, class_margin=0.2)) == "promoted"


def test_a_class_without_enough_samples_is_not_enough_evidence():
    rights = np.array([True] * 80 + [False] * 20), np.ones(100, bool)
    labels, groups = ["cat"] * 100, [str(i) for i in range(100)]
    classes = compare_classes(*rights, labels, groups, CLASS_NAMES, 0.05)
    decision = decide(replace(BETTER, classes=classes), POLICY)
    assert decision.verdict == "not enough evidence"
    assert decision.reasons[0] == "Too few test samples of dog (0) (1 in all); the policy asks for 10 a class."
    assert verdict(replace(BETTER, classes=classes), replace(POLICY, minimum_class_samples=0)) == "promoted"


def test_what_is_worse_on_the_champions_own_test_set_keeps_it():
    own = evidence("+" * 100, "+" * 97 + "---").comparison
    assert verdict(replace(BETTER, champion_test=own)) == "kept champion"
    assert verdict(replace(BETTER, champion_test=own), replace(POLICY, champion_test_margin=0.03)) == "promoted"
    few = evidence("+" * 40, "-" * 40).comparison
    for absent in (None, few):
        decision = decide(replace(BETTER, champion_test=absent), POLICY)
        assert decision.verdict == "promoted"
        assert "The champion's own test set does not count" in decision.reasons[-1]


@pytest.mark.parametrize("found", [BETTER, Evidence(Candidate("b", "f"))], ids=["challenger", "first"])
def test_budgets_hold_for_every_model(found):
    sized = replace(found, size_megabytes=29.04, within_latency=True)
    policy = replace(POLICY, maximum_size_megabytes=29.0, maximum_latency_milliseconds=40.0)
    decision = decide(sized, policy)
    assert decision.verdict == "kept champion"
    assert decision.reasons[0] == "The bundle has 29.0 MB; the policy allows 29 MB."
    assert verdict(replace(sized, size_megabytes=29.0), policy) != "kept champion"
    slow = decide(replace(sized, size_megabytes=1.0, within_latency=False), policy)
    assert (slow.verdict, slow.reasons[0]) == (
        "kept champion",
        "An answer takes longer than the 40 ms that the policy allows.",
    )


def test_an_obstacle_keeps_the_champion_and_is_the_first_reason():
    decision = decide(replace(BETTER, obstacle="Other classes.", notes=["told"]), POLICY)
    assert (decision.verdict, decision.reasons) == ("kept champion", ["Other classes.", "told"])


def test_the_rate_over_a_champion_is_shared_by_all_comparisons():
    shared = replace(POLICY, rate_over="champion")
    assert allowed_rate(POLICY, 9) == 0.05
    assert sum(allowed_rate(shared, look) for look in range(1, 10_000)) < 0.05
    assert allowed_rate(shared, 1) == 0.025
    found = evidence("+" * 95 + "-----", "+" * 100)
    assert (verdict(found), verdict(found, shared)) == ("promoted", "kept champion")


@settings(max_examples=60)
@given(st.text("+-", min_size=60, max_size=90), st.randoms(use_true_random=False))
def test_a_model_never_replaces_one_that_is_right_more_often(champion, random):
    challenger = "".join(random.sample(champion, len(champion)))
    fewer = challenger.replace("+", "-", 1)
    for signs in (challenger, fewer):
        assert verdict(evidence(champion, signs)) != "promoted"


def test_the_decision_is_these_bytes():
    found = replace(BETTER, size_megabytes=1.5, notes=["A note."])
    decided = [json_text(decision_json(decide(found, POLICY), found, POLICY, "pawline", False)) for _ in range(2)]
    assert decided[0] == decided[1]
    assert decided[0].startswith(GOLDEN), decided[0]


GOLDEN = """{
  "allowed_rate": 0.05,
  "checks": [
    {
      "name": "samples",
      "outcome": "passed",
      "reason": "Enough: 100 independent test samples, the policy asks for 50."
    },
    {
      "name": "class samples",
      "outcome": "passed",
      "reason": "Enough test samples of each class; the policy asks for 10 a class."
    },
    {
      "name": "accuracy",
      "outcome": "passed",
      "reason": "On this test set the challenger is right on 100.0 % and the champion on 80.0 % of 100 samples: \
+20.0 points (90.0 % interval +14.0 to +27.0 points). Alone right: the challenger 20 times, the champion 0: between \
equal models such a lead has a chance of 9.54e-07, the policy allows 0.05."
    },
    {
      "name": "classes",
      "outcome": "passed",
      "reason": "No class's recall falls too far; a class may lose 10.0 points."
    },
    {
      "name": "champion's test set",
      "outcome": "passed",
      "reason": "On the champion's own test set the challenger is right on 100.0 % and the champion on 80.0 % of 100 \
samples: +20.0 points; the challenger may lose 2.0 points."
    },
    {
      "name": "note",
      "outcome": "note",
      "reason": "A note."
    }
  ],
  "dry_run": false,
  "evidence": {
    "challenger": {
      "dataset_fingerprint": "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "digest": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      "version": ""
    },
"""
