"""Possible leakage between splits: test images that are nearly the same as one the network has learnt from.

A near neighbour by features is a candidate; it counts when a perceptual hash, which knows nothing of the network,
finds the two images alike as well. On real photos either alone names unrelated images.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from components.dataset.pictures import Picture
from components.dataset.samples import Sample
from components.features.neighbours import Neighbour
from components.step.files import atomic_write
from components.test.predictions import Prediction

# Of 96 real photos compressed again, brightened or cropped by 3 % a side, at least 95 % keep to both limits.
LEAST_SIMILARITY = 0.9
MOST_BITS = 10
# Candidates are read again. A fine-tuned network finds all of a class alike: the nearest ones have to do.
MOST_CANDIDATES = 1000

IDENTICAL, NEAR = "identical file", "near-duplicate"


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A test sample and its like: `similarity` is the cosine of features, `distance` of hashes in bits."""

    sample_id: str
    label: str
    other_sample_id: str
    other_label: str
    other_split: str
    kind: str
    similarity: float
    distance: int


def candidates(predictions: Sequence[Prediction]) -> list[tuple[Prediction, Neighbour]]:
    """Return each test sample with a neighbour of LEAST_SIMILARITY, the nearest first, at most MOST_CANDIDATES."""
    near = [(p, n) for p in predictions for n in p.neighbours if n.similarity >= LEAST_SIMILARITY]
    near.sort(key=lambda pair: (-pair[1].similarity, pair[0].filename, pair[1].sample_id))
    return near[:MOST_CANDIDATES]


def near_duplicates(
    pairs: Sequence[tuple[Prediction, Neighbour]],
    hashes: Mapping[str, int],
    others: Mapping[str, Picture],
    known: Mapping[str, Sample],
) -> list[NearDuplicate]:
    """Return those of the candidate `pairs` whose images are alike, the closest first.

    Args:
        pairs: from `candidates`.
        hashes: `difference_hash` of each test sample by id.
        others: pictures of the neighbours by id; one that is missing is passed over.
        known: the dataset's samples by id.
    """
    found = [
        NearDuplicate(
            p.filename,
            p.prediction_truth,
            n.sample_id,
            n.label,
            n.split,
            IDENTICAL if known[p.filename].sha256 == known[n.sample_id].sha256 else NEAR,
            n.similarity,
            (hashes[p.filename] ^ others[n.sample_id].hash).bit_count(),
        )
        for p, n in pairs
        if n.sample_id in others
    ]
    alike = [one for one in found if one.distance <= MOST_BITS]
    return sorted(alike, key=lambda one: (one.distance, -one.similarity, one.sample_id, one.other_sample_id))


def write_near_duplicates_csv(path: Path, found: Sequence[NearDuplicate]) -> None:
    """Write `found` as CSV."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(NearDuplicate)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(one) for one in found)
