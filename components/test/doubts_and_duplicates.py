"""What the test step finds out beyond right and wrong: doubtful labels, possible leakage, and pictures to show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.dataset.pictures import NEIGHBOUR_SIZE, THUMBNAIL_SIZE, encoded, pictures_of
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.test.image_pass import Tested
from components.test.label_errors import LabelDoubt, label_doubts
from components.test.near_duplicates import NearDuplicate, candidates, near_duplicates
from components.test.predictions import Prediction

SHOWN_NEIGHBOURS = 3
# Of how many samples the neighbours are shown as pictures: those of the highest loss, and the most doubtful labels.
WITH_NEIGHBOURS = 150
# How many of each list surely have their picture in the report, also where it shows a selection.
PICTURED = 50


@dataclass(frozen=True, slots=True)
class Findings:
    """`doubts` has every sample, the most doubtful first; the thumbnails are data URIs by sample_id.

    `thumbnails` are of test samples, those of the pass and what the lists need beside them; `neighbour_thumbnails` are
    of the samples that the network has learnt from.
    """

    doubts: list[LabelDoubt]
    duplicates: list[NearDuplicate]
    thumbnails: dict[str, str]
    neighbour_thumbnails: dict[str, str]


def look_closer(
    dataset: Dataset, known: Mapping[str, Sample], tested: Tested, class_names: Sequence[str], image_size: int
) -> Findings:
    """Return the findings in what was `tested`; a few images of train and validation samples are read.

    Args:
        dataset: of the test samples and of those that the network has learnt from.
        known: all its samples by id; neighbours that it does not have are passed over.
        tested: what the pass gave.
        class_names: in the order of the network's outputs.
        image_size: of the network's input, in pixels.

    Raises:
        DataError: an image is missing or damaged.
    """
    doubts = label_doubts(tested.predictions, class_names)
    pairs = candidates(tested.predictions)
    shown = _shown_neighbours(tested.predictions, doubts)
    wanted = _samples({neighbour.sample_id for _, neighbour in pairs} | shown, known)
    others = pictures_of(dataset, wanted, image_size, NEIGHBOUR_SIZE)
    duplicates = near_duplicates(pairs, tested.hashes, others, known)
    named = {d.sample_id for d in doubts[:PICTURED] if d.suspected} | {d.sample_id for d in duplicates[:PICTURED]}
    missing = _samples(named - set(tested.thumbnails), known)
    more = pictures_of(dataset, missing, image_size, THUMBNAIL_SIZE)
    kept = shown | {duplicate.other_sample_id for duplicate in duplicates}
    return Findings(
        doubts,
        duplicates,
        tested.thumbnails | {name: encoded(found.thumbnail) for name, found in more.items()},
        {name: encoded(found.thumbnail) for name, found in others.items() if name in kept},
    )


def _shown_neighbours(predictions: Sequence[Prediction], doubts: Sequence[LabelDoubt]) -> set[str]:
    worst = sorted(predictions, key=lambda p: (-p.loss, p.filename))[:WITH_NEIGHBOURS]
    doubtful = {doubt.sample_id for doubt in doubts[:WITH_NEIGHBOURS] if doubt.suspected}
    looked_at = [*worst, *(p for p in predictions if p.filename in doubtful)]
    return {neighbour.sample_id for p in looked_at for neighbour in p.neighbours[:SHOWN_NEIGHBOURS]}


def _samples(names: Iterable[str], known: Mapping[str, Sample]) -> list[Sample]:
    return [known[name] for name in sorted(names) if name in known]
