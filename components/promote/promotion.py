"""Promotion: a decision on the bundle just trained, and what follows from it in the model registry."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from components.bundle.latency import measure_latency
from components.dataset.samples import write_split_table
from components.parameters.policy import PromotionPolicy
from components.promote.champion import claim_tags, make_champion, open_claims
from components.promote.checks import Check
from components.promote.decision import KEPT, NOT_ENOUGH, Decision, Evidence, decide
from components.promote.description import description, summary_tags
from components.promote.evidence import LOOK, SEEN, TEST_TABLE, Challenger, Gathered, gather
from components.promote.trained_on import seen, write_seen
from components.registry.runs import Run
from components.registry.version import Version
from components.registry.versions import Registry
from components.step.files import scratch_folder

log = logging.getLogger("pawline")

NO_REGISTRY = (
    "There is no model registry (MLFLOW_TRACKING_URI is not set): no champion to compare with, nowhere to register."
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided and done; `latency_ms` is None where no budget asks for it, `made` the version made, if any."""

    decision: Decision
    gathered: Gathered
    champion: str
    latency_ms: float | None = None
    made: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a version is made with besides: its MLflow run, the pipeline run's name, the test's statistics if known."""

    run: Run = field(default_factory=Run)
    name: str = ""
    statistics: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Entry()


def promote(
    challenger: Challenger,
    registry: Registry | None,
    policy: PromotionPolicy,
    *,
    entry: Entry = NOTHING,
    batch_size: int = 32,
    dry_run: bool = False,
) -> Outcome:
    """Decide whether `challenger` becomes the champion of `registry` and, unless it is a `dry_run`, make it so.

    Args:
        challenger: the bundle and its test set, which fit together.
        registry: None where there is none; then nothing is compared.
        policy: what the challenger must show.
        entry: what a version is made with; it needs a run unless this is a `dry_run`.
        batch_size: images read and decoded together; changes no result.
        dry_run: decide without registering or tagging anything.

    Raises:
        DataError: the challenger or its test set is damaged.
        ServiceError: the registry or a store does not answer; nothing was promoted.
    """
    if registry is None:
        decision = Decision(NOT_ENOUGH, [Check("registry", "undecided", NO_REGISTRY)])
        return Outcome(decision, Gathered(Evidence(challenger.candidate)), "")
    place = registry.champion_number()
    # The version may have been deleted and the alias left behind; then there is nothing to compare with.
    champion = registry.version(place)
    waiting = open_claims(registry, place)
    gathered, latency = _measured(challenger, gather(challenger, registry, champion, policy, batch_size), policy)
    decision = decide(gathered.evidence, policy)
    if dry_run:
        return Outcome(decision, gathered, champion.number if champion else "", latency)
    decision, number, made = _act_on(decision, challenger, registry, champion, place, entry, gathered, waiting)
    return Outcome(decision, gathered, number, latency, made)


def _measured(challenger: Challenger, gathered: Gathered, policy: PromotionPolicy) -> tuple[Gathered, float | None]:
    """Return `gathered` with the latency's check, and the latency, where the policy has a budget for it."""
    if (budget := policy.maximum_latency_milliseconds) is None:
        return gathered, None
    found = measure_latency(challenger.bundle, challenger.manifest).median_ms
    log.info("an answer takes %.1f ms, the median of one image at a time", found)
    return replace(gathered, evidence=replace(gathered.evidence, within_latency=found <= budget)), found


def _act_on(
    decision: Decision,
    challenger: Challenger,
    registry: Registry,
    champion: Version | None,
    place: str,
    entry: Entry,
    gathered: Gathered,
    waiting: Sequence[str],
) -> tuple[Decision, str, str]:
    """Do what `decision` says; return it, or that another run was faster, the champion after it, and what was made.

    `place` is the number that the alias is on, `waiting` are the claims that were open before anything was compared.
    """
    if champion and gathered.answers:
        registry.set_tag(champion.number, LOOK + challenger.digest[:16], decision.verdict)
    if not decision.promotes:
        return decision, place, ""
    killed = [number for number in open_claims(registry, place) if number in waiting]
    made = _register(challenger, registry, claim_tags(place, killed), entry, decision)
    number = make_champion(registry, made)
    if number == made.number:
        return decision, number, made.number
    faster = (
        f"Another run made version {number} the champion in place of {place or 'none'} while this one was compared. "
        "Run promote again to compare with that."
    )
    registry.set_tag(made.number, "verdict", KEPT)
    return Decision(KEPT, [Check("overlap", "failed", faster), *decision.checks]), number, made.number


def _register(
    challenger: Challenger, registry: Registry, claim: Mapping[str, str], entry: Entry, decision: Decision
) -> Version:
    tags = {
        "digest": challenger.digest,
        "fingerprint": challenger.manifest.dataset_fingerprint,
        "dataset_uri": challenger.dataset.uri,
        "run": entry.name,
        "verdict": decision.verdict,
        **summary_tags(entry.statistics),
        **claim,
    }
    with scratch_folder() as folder:
        write_split_table(Path(folder, TEST_TABLE), challenger.test, "test")
        write_seen(Path(folder, SEEN), seen(challenger.trained_on))
        text = description(challenger, entry.statistics, decision.reasons, entry.name)
        return registry.add(challenger.bundle, Path(folder), tags, text, entry.run)
