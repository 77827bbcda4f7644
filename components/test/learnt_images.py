"""The images that a network has learnt from, as looks to compare others with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.dataset.batches import decoded_batches
from components.dataset.looks import LOOK_BYTES, Look, look_at_file
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
    """Samples with the split of each and their `looks`, uint8 [N, LOOK_BYTES]; `left_out` more were not looked at."""

    samples: list[Sample]
    splits: list[str]
    looks: Look
    left_out: int = 0


def learnt_images(
    bundle: AskedBundle,
    dataset: Dataset,
    known: Mapping[str, Sample],
    tested: Sequence[Sample],
    index: NeighbourIndex | None,
) -> LearntImages | None:
    """Return what the bundle has learnt from of `dataset`, every image read once; None where that is not known.

    Args:
        bundle: whose network it is.
        dataset: in which its images are sought.
        known: all the dataset's samples by id.
        tested: the test samples.
        index: of the samples that the network has learnt from, or of some; None where they are not known.

    Raises:
        DataError: an image is missing or damaged.
    """
    splits = _splits(bundle, dataset, known, tested, index)
    if splits is None:
        return None
    names = sorted(splits)
    chosen = [known[names[row]] for row in spread_rows(len(names), MOST_COMPARED)]
    looks = _looks(dataset, chosen)
    return LearntImages(chosen, [splits[sample.sample_id] for sample in chosen], looks, len(names) - len(chosen))


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


def _looks(dataset: Dataset, samples: Sequence[Sample]) -> Look:
    row = {sample.sample_id: at for at, sample in enumerate(samples)}
    looks = np.zeros((len(samples), LOOK_BYTES), np.uint8)
    if samples:
        with Progress("comparing with", len(samples)) as progress:
            for batch, found in decoded_batches(dataset, samples, look_at_file, BATCH_SIZE):
                looks[[row[sample.sample_id] for sample in batch]] = found
                progress.advance(len(batch))
    return looks
