"""Assigning groups to train, validation and test: stratified by class, or stable under growth.

Both are functions of the seed and the groups' names alone: no machine, order of input or library version changes them.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from components.dataset.samples import SPLITS, Sample, Split
from components.step.errors import DataError, first_ten, one_line

Ratios = Mapping[Split, float]
GroupCounts = Mapping[str, Counter[str]]
Assignment = dict[str, Split]

MAX_TRIALS = 50
# More groups need fewer trials: chance alone balances them, and each trial costs a pass over all.
GROUPS_TRIED = 200_000


def assign_stable(groups: Iterable[str], ratios: Ratios, seed: int) -> Assignment:
    """Return each group's split by its hash alone, so that adding samples never moves an old one."""
    test, validation = ratios["test"], ratios["test"] + ratios["validation"]
    places = ((group, _hash(seed, group) / 2**64) for group in groups)
    return {g: "test" if place < test else "validation" if place < validation else "train" for g, place in places}


def assign_stratified(samples: Sequence[Sample], ratios: Ratios, seed: int) -> Assignment:
    """Return each group's split so that every class is spread as `ratios` asks, as well as whole groups allow.

    Of several pseudo-random orders, each assigned greedily to where the squared deviation from the wanted counts grows
    least, the best is kept: the fewest classes absent from a split, then the smallest deviation.

    Raises:
        DataError: a class has fewer than three groups, so it cannot be in all three splits; names the class.
    """
    # In one order: sums of floating-point numbers decide between trials, and their last digit depends on it.
    samples = sorted(samples, key=attrgetter("sample_id"))
    counts = count_groups(samples)
    _check_enough_groups(counts)
    wanted = _wanted_counts(Counter(sample.label for sample in samples), ratios)
    trials = max(1, min(MAX_TRIALS, GROUPS_TRIED // len(counts)))
    candidates = (_repaired(_greedy(counts, wanted, seed, trial), counts, wanted) for trial in range(trials))
    return min(candidates, key=lambda assignment: _score(assignment, counts, wanted))


def as_given(samples: Iterable[Sample]) -> dict[Split, list[Sample]]:
    """Return `samples` by the split that each came with, sorted by sample_id.

    Raises:
        DataError: one came without, or a class is not in all three splits; names them.
    """
    splits: dict[Split, list[Sample]] = {split: [] for split in SPLITS}
    for sample in sorted(samples, key=attrgetter("sample_id")):
        if sample.given_split not in splits:
            raise DataError(
                "A given split must hold every sample. "
                f"Received: {one_line(sample.sample_id, 120)} in none. Run extract again."
            )
        splits[sample.given_split].append(sample)
    labels = {split: {sample.label for sample in of_split} for split, of_split in splits.items()}
    every = sorted(set().union(*labels.values()))
    if missing := [f"{label} absent from {split}" for label in every for split in SPLITS if label not in labels[split]]:
        raise DataError(
            "Every class must be in train, validation and test of a given split. "
            f"Received: {first_ten(missing)}. Add samples, or let Pawline split with given_split=merge."
        )
    return splits


def count_groups(samples: Iterable[Sample]) -> GroupCounts:
    """Return for each group how many samples of each class it holds; groups that hold the same share a counter."""
    group_of, label_of = attrgetter("group"), attrgetter("label")
    counts: dict[str, Counter[str]] = {}
    shared: dict[tuple[tuple[str, int], ...], Counter[str]] = {}  # Most groups are one image: a million, few kinds.
    for group, members in groupby(sorted(samples, key=group_of), group_of):
        labels = Counter(map(label_of, members))
        counts[group] = shared.setdefault(tuple(labels.items()), labels)
    return counts


def check_every_class_everywhere(assignment: Assignment, counts: GroupCounts) -> None:
    """Check that each class has samples in all three splits.

    Raises:
        DataError: one has not; names the classes and the splits they miss.
    """
    missing = _absent(assignment, counts)
    if missing:
        raise DataError(
            f"Every class must be in train, validation and test{_whole(counts, ' without tearing a group apart')}. "
            f"Received: {first_ten([f'{label} absent from {split}' for label, split in missing])}. "
            f"Add images{_whole(counts, ' of other groups')} to the class, choose other ratios or another seed, "
            "or leave the class out."
        )


def _check_enough_groups(counts: GroupCounts) -> None:
    groups_of = Counter(label for labels in counts.values() for label in labels)
    scarce = [f"{label} with {count}" for label, count in sorted(groups_of.items()) if count < len(SPLITS)]
    if scarce:
        raise DataError(
            f"A class needs at least {len(SPLITS)} {_whole(counts, 'groups') or 'images'} "
            "to be in train, validation and test. "
            f"Received: {first_ten(scarce)}. Add images{_whole(counts, ' of other groups')} or leave the class out."
        )


def _whole(counts: GroupCounts, words: str) -> str:
    """Return `words` where there are groups of several samples; to others they mean nothing."""
    return words if any(labels.total() > 1 for labels in counts.values()) else ""


def _wanted_counts(totals: Counter[str], ratios: Ratios) -> dict[Split, dict[str, float]]:
    # At least one: a class of five samples at 0.1 would otherwise be best left out of test.
    return {split: {label: max(1.0, ratios[split] * total) for label, total in totals.items()} for split in SPLITS}


def _greedy(counts: GroupCounts, wanted: Mapping[Split, Mapping[str, float]], seed: int, trial: int) -> Assignment:
    order = sorted(counts, key=lambda group: (_hash(seed, group, trial), group))
    reached = {split: dict.fromkeys(labels, 0) for split, labels in wanted.items()}
    assignment: Assignment = {}
    for group in order:
        labels = counts[group].items()
        best = min(SPLITS, key=lambda split: _growth(labels, reached[split], wanted[split]))
        assignment[group] = best
        for label, count in labels:
            reached[best][label] += count
    return assignment


def _growth(labels: Iterable[tuple[str, int]], reached: Mapping[str, int], wanted: Mapping[str, float]) -> float:
    # (r + n - w)^2 - (r - w)^2, relative to what is wanted.
    return sum(n * (n + 2 * (reached[label] - wanted[label])) / wanted[label] for label, n in labels)


def _repaired(assignment: Assignment, counts: GroupCounts, wanted: Mapping[Split, Mapping[str, float]]) -> Assignment:
    """Move single groups into the splits where a class is absent, as long as that makes things better."""
    for label, split in _absent(assignment, counts):
        moves = [{**assignment, group: split} for group, labels in sorted(counts.items()) if label in labels]
        assignment = min([assignment, *moves], key=lambda moved: _score(moved, counts, wanted))
    return assignment


def _absent(assignment: Assignment, counts: GroupCounts) -> list[tuple[str, Split]]:
    present = {(label, assignment[group]) for group, labels in counts.items() for label in labels}
    labels = sorted({label for label, _ in present})
    return [(label, split) for label in labels for split in SPLITS if (label, split) not in present]


def _score(
    assignment: Assignment, counts: GroupCounts, wanted: Mapping[Split, Mapping[str, float]]
) -> tuple[int, float]:
    reached: Counter[tuple[Split, str]] = Counter()
    for group, labels in counts.items():
        for label, count in labels.items():
            reached[assignment[group], label] += count
    cells = [(reached[split, label], want) for split, labels in wanted.items() for label, want in labels.items()]
    return sum(have == 0 for have, _ in cells), sum((have - want) ** 2 / want for have, want in cells)


def _hash(seed: int, group: str, trial: int = 0) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{trial}/{group}".encode()).digest()[:8], "big")
