"""The evidence for a decision: the champion found, both bundles asked about both test sets."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from components.bundle.manifest import MANIFEST, Manifest, read_manifest, sha256_of
from components.bundle.registered import other_digest
from components.dataset.own_samples import own_samples
from components.dataset.samples import Sample, Split, read_split_table
from components.dataset.snapshot import Dataset, open_dataset
from components.parameters.policy import PromotionPolicy
from components.promote.answers import Asked, PairedAnswers, answers_of, ask
from components.promote.champion import rolled_back
from components.promote.decision import Candidate, Evidence, allowed_rate
from components.promote.paired_evidence import Comparison
from components.promote.trained_on import Seen, read_seen, seen
from components.registry.version import Version
from components.registry.versions import BUNDLE, EVIDENCE, Registry
from components.step.errors import DataError, ServiceError, UsageError, first_ten, one_line
from components.step.files import scratch_folder

log = logging.getLogger("pawline")

TEST_TABLE, SEEN = "test_samples.csv", "seen.npz"
LOOK = "look."


@dataclass(frozen=True, slots=True)
class Challenger:
    """The bundle just trained, with the tables of the samples it was trained on and is judged on."""

    bundle: Path
    manifest: Manifest
    dataset: Dataset
    tables: Mapping[Split, Sequence[Sample]]

    @property
    def test(self) -> Sequence[Sample]:
        """The test set it is judged on."""
        return self.tables["test"]

    @property
    def trained_on(self) -> list[Sample]:
        """The samples it was trained on, those that watched the training among them."""
        return [*self.tables["train"], *self.tables["validation"]]

    @property
    def digest(self) -> str:
        """The sha256 of the manifest, which has those of all other files."""
        return sha256_of(self.bundle / MANIFEST)

    @property
    def candidate(self) -> Candidate:
        """What the decision says of it."""
        return Candidate(self.digest, self.manifest.dataset_fingerprint)


@dataclass(frozen=True, slots=True)
class Gathered:
    """The evidence, and the answers on this test set behind it, None where nothing was compared."""

    evidence: Evidence
    answers: PairedAnswers | None = None


class Incomparable(Exception):
    """Why champion and challenger cannot be compared, in one line."""


class Lost(Exception):
    """Why the champion cannot be asked any more, in one line."""


def gather(
    challenger: Challenger, registry: Registry, champion: Version | None, policy: PromotionPolicy, batch_size: int
) -> Gathered:
    """Return what there is to decide on.

    Raises:
        DataError: the challenger or its test set is damaged.
        ServiceError: the registry or a store does not answer.
    """
    evidence = Evidence(challenger.candidate, size_megabytes=_megabytes(challenger.bundle))
    if number := rolled_back(registry, challenger.digest):
        return Gathered(replace(evidence, obstacle=f"This bundle is version {number}, which was rolled back."))
    if champion is None:
        return Gathered(replace(evidence, guess=_against_a_guess(challenger, allowed_rate(policy, 0), batch_size)))
    evidence = replace(evidence, champion=_candidate(champion), look=_look(champion, challenger.digest))
    with scratch_folder() as folder:
        try:
            return _compared(evidence, challenger, registry, champion, policy, batch_size, Path(folder))
        except Incomparable as obstacle:
            return Gathered(replace(evidence, obstacle=str(obstacle)))
        except Lost as lost:
            guess = _against_a_guess(challenger, allowed_rate(policy, 0), batch_size)
            return Gathered(replace(evidence, look=0, lost=[str(lost)], guess=guess))


def _candidate(champion: Version) -> Candidate:
    return Candidate(champion.tag("digest"), champion.tag("fingerprint"), champion.number)


def _look(champion: Version, digest: str) -> int:
    """Return how many challengers have been compared with `champion`, this one included."""
    mine = LOOK + digest[:16]
    return 1 + sum(name.startswith(LOOK) and name != mine for name in champion.tags)


def _compared(
    evidence: Evidence,
    challenger: Challenger,
    registry: Registry,
    champion: Version,
    policy: PromotionPolicy,
    batch_size: int,
    folder: Path,
) -> Gathered:
    if champion.tag("digest") == challenger.digest:
        raise Incomparable(f"The challenger is the champion itself, version {champion.number}.")
    both = _champion(registry, champion, challenger.manifest, folder), ask(challenger.bundle, "challenger")
    kept = registry.download(champion, EVIDENCE, folder / "kept") or folder / "nothing kept"
    known, notes = _seen_by(champion, kept)
    answers = _ask(both, challenger.dataset, challenger.test, known, batch_size)
    champion_answers, lost = _ask_champions_test(both, champion, kept, challenger, batch_size)
    rate = allowed_rate(policy, evidence.look)
    compared = replace(
        evidence,
        comparison=answers.comparison(rate),
        classes=answers.classes(challenger.manifest.class_names, rate),
        champion_test=champion_answers.comparison(rate) if champion_answers else None,
        notes=notes,
        lost=lost,
    )
    return Gathered(compared, answers)


def _champion(registry: Registry, champion: Version, challenger: Manifest, folder: Path) -> Asked:
    place = registry.download(champion, BUNDLE, folder)
    called = f"version {champion.number}, the champion"
    if place is None:
        raise Lost(f"The files of {called}, are not in the registry.")
    try:
        # The manifest first: what another has put in its place is not loaded.
        manifest = read_manifest(place)
        if digest := other_digest(place, champion):
            raise Lost(f"The files of {called}, have changed: their digest is {digest}.")
        if manifest.class_names != challenger.class_names:
            raise Incomparable(_other_classes(called, manifest.class_names, challenger.class_names))
        log.info("the champion is version %s, digest %s", champion.number, sha256_of(place / MANIFEST))
        return ask(place, "champion")
    except DataError as error:
        reason = one_line(str(error).replace(f"{folder}/", ""))
        raise Lost(f"The bundle of {called}, cannot be used. {reason}") from error


def _other_classes(called: str, champion: list[str], challenger: list[str]) -> str:
    gone = [f"{first_ten(sorted(set(champion) - set(challenger)))} only the champion's"]
    new = [f"{first_ten(sorted(set(challenger) - set(champion)))} only the challenger's"]
    differing = "; ".join(
        (gone if set(champion) - set(challenger) else []) + (new if set(challenger) - set(champion) else [])
    )
    return (
        f"The classes of {called}, are not the challenger's: {differing or 'they are in another order'}. "
        "Remove the alias for the next run to begin anew."
    )


def _seen_by(champion: Version, kept: Path) -> tuple[Seen, list[str]]:
    try:
        return read_seen(kept / SEEN), []
    except DataError:
        unknown = (
            f"What version {champion.number} was trained on is not known, so that it may have an advantage: no test "
            "sample was left out."
        )
        return seen([]), [unknown]


def _ask(
    both: tuple[Asked, Asked], dataset: Dataset, samples: Sequence[Sample], trained_on: Seen, batch_size: int
) -> PairedAnswers:
    """Return the answers of `both` to those of `samples` that are not in `trained_on`."""
    fair = [sample for sample, known in zip(samples, trained_on.has(samples), strict=True) if not known]
    champion, challenger = answers_of(both, dataset, fair, batch_size)
    return PairedAnswers(fair, champion, challenger, len(samples) - len(fair))


def _ask_champions_test(
    both: tuple[Asked, Asked], champion: Version, kept: Path, challenger: Challenger, batch_size: int
) -> tuple[PairedAnswers | None, list[str]]:
    try:
        samples = read_split_table(kept / TEST_TABLE, "test")
        dataset = open_dataset(champion.tag("dataset_uri"))
        own_samples(dataset, {"test": samples})
        return _ask(both, dataset, samples, seen(challenger.trained_on), batch_size), []
    except DataError as error:
        why = "is not there any more or was never kept"
        reason: Exception = error
    except (ServiceError, UsageError) as error:  # Another bucket's keys, or a store that is no more.
        why, reason = "cannot be read", error
    log.warning("the champion's own test set: %s", reason)
    return None, [f"The test set of version {champion.number} {why}."]


def _against_a_guess(challenger: Challenger, rate: float, batch_size: int) -> Comparison | None:
    """Return how the challenger compares with always naming the most frequent class of this test set."""
    samples = list(challenger.test)
    [(frequent, _)] = Counter(sorted(sample.label for sample in samples)).most_common(1)
    [answers] = answers_of([ask(challenger.bundle, "challenger")], challenger.dataset, samples, batch_size)
    return PairedAnswers(samples, [frequent] * len(samples), answers).comparison(rate)


def _megabytes(bundle: Path) -> float:
    return round(sum(path.stat().st_size for path in bundle.iterdir()) / 1e6, 3)
