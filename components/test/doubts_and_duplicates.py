"""What the test step finds out beyond right and wrong: doubtful labels, possible leakage, and pictures to show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.dataset.pictures import NEIGHBOUR_SIZE, THUMBNAIL_SIZE, encoded, pictures_of
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.test.image_pass import Tested
from components.test.label_errors import LabelDoubt
from components.test.learnt_images import LearntImages
from components.test.loading import AskedBundle
from components.test.near_duplicates import NearDuplicate, near_duplicates
from components.test.predictions import Prediction

SHOWN_NEIGHBOURS = 3
LISTED = 100  # Of doubtful labels and of near-duplicates: what the report shows.
# Of how many samples the neighbours are shown as pictures: those of the highest loss, and the most doubtful labels.
WITH_NEIGHBOURS = 150
# How many of each list surely have their picture in the report, also where it shows a selection.
PICTURED = 50


@dataclass(frozen=True, slots=True)
class Findings:
    """`doubts` has every sample, the most doubtful first; the thumbnails are data URIs by sample_id.

    `believed` says whether the model is good enough to doubt a label, `learnt_known` whether it is known which images
    the network has learnt from, `not_compared` how many of them were too many to compare with. `thumbnails` are of test
    samples, those of the pass and what the lists need beside them; `neighbour_thumbnails` are of the samples that the
    network has learnt from.
    """

    doubts: list[LabelDoubt]
    believed: bool
    duplicates: list[NearDuplicate]
    learnt_known: bool
    not_compared: int
    thumbnails: dict[str, str]
    neighbour_thumbnails: dict[str, str]


def look_closer(
    dataset: Dataset,
    known: Mapping[str, Sample],
    tested: Tested,
    doubts: list[LabelDoubt],
    learnt: LearntImages | None,
    bundle: AskedBundle,
    believed: bool,
) -> Findings:
    """Return the findings in what was `tested`; few of the images that are to be shown are read once more.

    Args:
        dataset: of the test samples and of those that the network has learnt from.
        known: all its samples by id; neighbours that it does not have are passed over.
        tested: what the pass gave.
        doubts: every label of it, the most doubtful first.
        learnt: what the network has learnt from, with the thumbnails of `shown_neighbours`; None where it is not known.
        bundle: what was tested.
        believed: whether the model may doubt a label (`better_than_chance`).

    Raises:
        DataError: an image is missing or damaged.
    """
    rows = [known[p.filename] for p in tested.predictions]
    duplicates = near_duplicates(rows, tested.predictions, tested.looks, learnt) if learnt else []
    shown = shown_neighbours(tested.predictions, doubts)
    shown |= {duplicate.other_sample_id for duplicate in duplicates[:LISTED]}
    others = dict(learnt.thumbnails) if learnt else {}
    unseen = pictures_of(dataset, _samples(shown - others.keys(), known), bundle.image_size, NEIGHBOUR_SIZE)
    others |= {name: found.thumbnail for name, found in unseen.items()}
    named = {d.sample_id for d in doubts[:PICTURED] if d.suspected} | {d.sample_id for d in duplicates[:PICTURED]}
    missing = _samples(named - set(tested.thumbnails), known)
    more = pictures_of(dataset, missing, bundle.image_size, THUMBNAIL_SIZE)
    return Findings(
        doubts,
        believed,
        duplicates,
        learnt is not None,
        learnt.left_out if learnt else 0,
        tested.thumbnails | {name: encoded(found.thumbnail) for name, found in more.items()},
        {name: encoded(thumbnail) for name, thumbnail in others.items()},
    )


def shown_neighbours(predictions: Sequence[Prediction], doubts: Sequence[LabelDoubt]) -> set[str]:
    """Return the ids of those samples of the network's memory that are shown beside test samples."""
    worst = sorted(predictions, key=lambda p: (-p.loss, p.filename))[:WITH_NEIGHBOURS]
    doubtful = {doubt.sample_id for doubt in doubts[:WITH_NEIGHBOURS] if doubt.suspected}
    looked_at = [*worst, *(p for p in predictions if p.filename in doubtful)]
    return {neighbour.sample_id for p in looked_at for neighbour in p.neighbours[:SHOWN_NEIGHBOURS]}


def _samples(names: Iterable[str], known: Mapping[str, Sample]) -> list[Sample]:
    return [known[name] for name in sorted(names) if name in known]
