"""The images that a network has learnt from, as looks to compare others with."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from components.dataset.batches import decoded_batches
from components.dataset.looks import LOOK_BYTES, Look, look_at_file
from components.dataset.pictures import NEIGHBOUR_SIZE, look_at
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.features.neighbours import NeighbourIndex
from components.features.training_table import spread_rows
from components.step.progress import Progress
from components.test.loading import AskedBundle

MOST_COMPARED = 100_000  # 115 MB of looks.
BATCH_SIZE = 64
LEARNT = "train or validation"  # Where no table tells which.


@dataclass(frozen=True, slots=True)
class LearntImages:
    """Samples with the split of each and their `looks`, uint8 [N, LOOK_BYTES]; `left_out` more were not looked at.

    `thumbnails` has those that were to be kept, by sample_id.
    """

    samples: list[Sample]
    splits: list[str]
    looks: Look
    left_out: int = 0
    thumbnails: Mapping[str, Image.Image] = field(default_factory=dict)


def learnt_images(
    bundle: AskedBundle,
    dataset: Dataset,
    known: Mapping[str, Sample],
    tested: Sequence[Sample],
    index: NeighbourIndex | None,
    shown: Collection[str] = (),
) -> LearntImages | None:
    """Return what the bundle has learnt from of `dataset`, every image read once; None where that is not known.

    Args:
        bundle: whose network it is.
        dataset: in which its images are sought.
        known: all the dataset's samples by id.
        tested: the test samples.
        index: of the samples that the network has learnt from, or of some; None where they are not known.
        shown: ids of samples of which thumbnails are to be kept.

    Raises:
        DataError: an image is missing or damaged.
    """
    splits = _splits(bundle, dataset, known, tested, index)
    if splits is None:
        return None
    names = sorted(splits)
    chosen = [known[names[row]] for row in spread_rows(len(names), MOST_COMPARED)]
    looks, thumbnails = _looks(dataset, chosen, shown, bundle.image_size)
    of_each = [splits[sample.sample_id] for sample in chosen]
    return LearntImages(chosen, of_each, looks, len(names) - len(chosen), thumbnails)


def _splits(
    bundle: AskedBundle,
    dataset: Dataset,
    known: Mapping[str, Sample],
    tested: Sequence[Sample],
    index: NeighbourIndex | None,
) -> dict[str, str] | None:
    """Return the split of each sample learnt from: all that is not tested, if the bundle has learnt from as many."""
    listed = {name: split for name, split in index.splits.items() if name in known} if index else {}
    rest = set(known) - {sample.sample_id for sample in tested}
    counts = bundle.manifest.data.get("splits", {})
    learnt = sum(sum(counts.get(split, {}).values()) for split in ("train", "validation"))
    if bundle.manifest.dataset_fingerprint == dataset.fingerprint and learnt == len(rest):
        # The index has every validation sample, but of very many train samples only some.
        return {name: listed.get(name, "train" if index else LEARNT) for name in rest}
    return listed if index else None


def _looks(
    dataset: Dataset, samples: Sequence[Sample], shown: Collection[str], image_size: int
) -> tuple[Look, dict[str, Image.Image]]:
    """Return the looks of `samples` and the thumbnails of those `shown`; each image is read once."""

    def with_thumbnail(data: bytes) -> tuple[Look, Image.Image]:
        return look_at_file(data), look_at(data, image_size, NEIGHBOUR_SIZE)[1].thumbnail

    row = {sample.sample_id: at for at, sample in enumerate(samples)}
    looks, thumbnails = np.zeros((len(samples), LOOK_BYTES), np.uint8), dict[str, Image.Image]()
    pictured = [sample for sample in samples if sample.sample_id in shown]
    others = [sample for sample in samples if sample.sample_id not in shown]
    with Progress("comparing with", len(samples)) as progress:
        for batch, found in decoded_batches(dataset, others, look_at_file, BATCH_SIZE) if others else ():
            looks[[row[sample.sample_id] for sample in batch]] = found
            progress.advance(len(batch))
        for batch, both in decoded_batches(dataset, pictured, with_thumbnail, BATCH_SIZE) if pictured else ():
            looks[[row[sample.sample_id] for sample in batch]] = [look for look, _ in both]
            thumbnails.update((sample.sample_id, small) for sample, (_, small) in zip(batch, both, strict=True))
            progress.advance(len(batch))
    return looks, thumbnails
