"""Possible leakage between splits: test images that are nearly the same as one the network has learnt from.

Every test image is compared with every image learnt from, by their pixels: what the network makes of them may name
more pairs to compare, and decides nothing. How near is too near depends on the data: two digits are nearer to each
other than two photos are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from components.dataset.looks import Look
from components.dataset.samples import Sample
from components.features.training_table import spread_rows
from components.step.spreadsheets import write_for_people
from components.test.closest_pictures import Pairs, Pictures, Rows, closest, closest_of_other_label
from components.test.learnt_images import LearntImages
from components.test.predictions import Prediction
from components.test.resemblance import Floats

# Shares of how far an image of this data usually is from the closest other one, and from that of another label; the
# larger limit counts. Measured: no two different of 1,797 digits, 60,000 product pictures and 192 photos are as near;
# copies compressed again are in all three, those cropped by up to 5 % a side or brightened by 30 % in photos.
OF_ANY, OF_OTHER_LABEL = 0.06, 0.02
DECIMALS = 4
MOST_MEASURED = 500  # Test images on which the usual distances are measured.
LIKELY_NEIGHBOURS = 2  # Nearest by features, compared besides.

IDENTICAL, NEAR, MIRRORED = "identical file", "near-duplicate", "mirrored near-duplicate"


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A test sample and its closest like; `similarity` is 1 where all details agree, 0 where none does."""

    sample_id: str
    label: str
    other_sample_id: str
    other_label: str
    other_split: str
    kind: str
    similarity: float


def near_duplicates(
    tested: Sequence[Sample], predictions: Sequence[Prediction], looks: Mapping[str, Look], learnt: LearntImages
) -> list[NearDuplicate]:
    """Return each test image that is all but one of the `learnt`, once, with the closest of these; the nearest first.

    Args:
        tested: the test samples.
        predictions: of these, in their order.
        looks: of each of them by id.
        learnt: what the network has learnt from.
    """
    if not tested or not learnt.samples:
        return []
    asked = Pictures(np.stack([looks[sample.sample_id] for sample in tested]), [sample.label for sample in tested])
    among = Pictures(learnt.looks, [sample.label for sample in learnt.samples])
    upright = closest(asked, among, _likely(predictions, learnt))
    turned = closest(asked.mirrored(), among)
    limit = _limit(asked, among, upright[1])
    likes = [*_identical(tested, learnt), *_within(limit, NEAR, *upright), *_within(limit, MIRRORED, *turned)]
    nearest: dict[int, _Like] = {}
    for like in sorted(likes, key=lambda like: like.far):
        nearest.setdefault(like.at, like)
    found = [_named(tested[like.at], learnt, like) for like in nearest.values()]
    return sorted(found, key=lambda one: (-one.similarity, one.sample_id))


@dataclass(frozen=True, slots=True)
class _Like:
    """The test sample `at` a place is all but the learnt one in a `row`, `far` from it."""

    at: int
    row: int
    far: float
    kind: str


def _identical(tested: Sequence[Sample], learnt: LearntImages) -> list[_Like]:
    rows = {sample.sha256: row for row, sample in enumerate(learnt.samples)}
    return [_Like(at, rows[s.sha256], 0.0, IDENTICAL) for at, s in enumerate(tested) if s.sha256 in rows]


def _within(limit: float, kind: str, rows: Rows, far: Floats) -> list[_Like]:
    return [_Like(int(at), int(rows[at]), float(far[at]), kind) for at in np.flatnonzero(far <= limit)]


def _likely(predictions: Sequence[Prediction], learnt: LearntImages) -> list[Pairs]:
    row = {sample.sample_id: at for at, sample in enumerate(learnt.samples)}
    pairs = [
        (at, row[n.sample_id])
        for at, p in enumerate(predictions)
        for n in p.neighbours[:LIKELY_NEIGHBOURS]
        if n.sample_id in row
    ]
    return [tuple(np.array(pairs, np.int64).T)] if pairs else []


def _limit(asked: Pictures, among: Pictures, far: Floats) -> float:
    """Return up to which distance two images are one; `far` has each one's distance from the closest of all."""
    rows = spread_rows(len(far), MOST_MEASURED)
    some = Pictures(asked.looks[rows], [asked.labels[row] for row in rows])
    otherwise = closest_of_other_label(some, among)
    return max(OF_ANY * float(np.median(far[rows])), OF_OTHER_LABEL * float(np.median(otherwise)))


def _named(sample: Sample, learnt: LearntImages, like: _Like) -> NearDuplicate:
    other, split = learnt.samples[like.row], learnt.splits[like.row]
    likeness = round(1 - like.far, DECIMALS)
    return NearDuplicate(sample.sample_id, sample.label, other.sample_id, other.label, split, like.kind, likeness)


def write_near_duplicates_csv(path: Path, found: Sequence[NearDuplicate]) -> None:
    """Write `found` as CSV."""
    write_for_people(path, [field.name for field in fields(NearDuplicate)], map(astuple, found))
