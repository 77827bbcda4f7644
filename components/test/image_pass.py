"""The pass over the test images: each is read and decoded once, and goes through the network once."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from components.bundle.reader import whole_batches
from components.dataset.batches import decoded_batches
from components.dataset.looks import Look
from components.dataset.pictures import THUMBNAIL_SIZE, Gallery, Picture, look_at
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.features.neighbours import Neighbour, NeighbourIndex
from components.parameters.numbers import check_batch_size
from components.step.progress import Progress
from components.test.checks import check_labels
from components.test.loading import AskedBundle
from components.test.predictions import Prediction, predict_samples

# Searching for the neighbours of many at once reads the whole table of features less often: a quarter of the time.
AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Tested:
    """What the pass gave.

    `predictions` are sorted by file name and `probabilities`, float32 `[N, classes]`, are the network's own in that
    order; `looks` has what each image is compared by and `thumbnails` the data URIs that were kept, both by sample_id.
    """

    predictions: list[Prediction]
    probabilities: NDArray[np.float32]
    looks: dict[str, Look]
    thumbnails: dict[str, str]


def evaluate_model(
    bundle: AskedBundle,
    dataset: Dataset,
    samples: Sequence[Sample],
    batch_size: int,
    index: NeighbourIndex | None = None,
) -> Tested:
    """Return what the bundle makes of each of `samples`; with an `index` also their nearest training samples.

    Memory holds a few batches of images, the probabilities and at most a thousand thumbnails.

    Raises:
        UsageError: `batch_size` is not positive.
        DataError: there are no samples, one has a label that the bundle does not know, its image is damaged, or the
            index is of another network.
    """
    check_batch_size(batch_size)
    check_labels(bundle.class_names, samples)
    gallery, rows, looks = Gallery(), dict[str, tuple[Prediction, NDArray[np.float32]]](), dict[str, Look]()
    batches = _seen(bundle, dataset, samples, batch_size)
    while part := list(islice(batches, math.ceil(AT_ONCE / whole_batches(batch_size)))):
        seen = _joined(part)
        for i, prediction in enumerate(_predictions(bundle, seen, index)):
            name, looked = prediction.filename, seen.pictures[i]
            rows[name], looks[name] = (prediction, seen.probabilities[i]), looked.look
            gallery.add(name, prediction.loss, seen.samples[i].sha256, looked.thumbnail)
    ordered = [rows[name] for name in sorted(rows)]
    return Tested([p for p, _ in ordered], np.stack([row for _, row in ordered]), looks, gallery.thumbnails())


@dataclass(frozen=True, slots=True)
class _Seen:
    """Some samples with what the network gave for them, `[N, classes]` and `[N, D]`, and their pictures."""

    samples: list[Sample]
    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]
    pictures: list[Picture]


def _seen(bundle: AskedBundle, dataset: Dataset, samples: Sequence[Sample], batch_size: int) -> Iterator[_Seen]:
    def decode(data: bytes) -> tuple[NDArray[np.uint8], Picture]:
        return look_at(data, bundle.image_size, THUMBNAIL_SIZE)

    with Progress("predicting", len(samples)) as progress:
        for batch, looked in decoded_batches(dataset, samples, decode, whole_batches(batch_size)):
            pixels = np.stack([pixels for pixels, _ in looked])
            yield _Seen(batch, *bundle.predict_with_features(pixels), [picture for _, picture in looked])
            progress.advance(len(batch))


def _joined(parts: Sequence[_Seen]) -> _Seen:
    return _Seen(
        [sample for part in parts for sample in part.samples],
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.features for part in parts]),
        [picture for part in parts for picture in part.pictures],
    )


def _predictions(bundle: AskedBundle, seen: _Seen, index: NeighbourIndex | None) -> list[Prediction]:
    neighbours: list[list[Neighbour]] = index.nearest(seen.features) if index else [[] for _ in seen.samples]
    bright = [picture.brightness for picture in seen.pictures]
    temperature = bundle.manifest.temperature
    return predict_samples(seen.samples, seen.probabilities, bundle.class_names, temperature, bright, neighbours)
