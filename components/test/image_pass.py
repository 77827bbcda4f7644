"""The pass over the test images: each is read and decoded once, and goes through the network once."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.bundle.reader import whole_batches
from components.dataset.looks import Look
from components.dataset.pictures import Gallery
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.features.neighbours import Neighbour, NeighbourIndex
from components.inference.twin import Twin
from components.parameters.numbers import check_batch_size
from components.step.progress import Progress
from components.test.checks import check_labels
from components.test.loading import AskedBundle
from components.test.predictions import Prediction, predict_samples
from components.test.seeing import Seen, in_parts, seen_by_cluster, seen_in_batches

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster

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
    cluster: "RayCluster | None" = None,
) -> Tested:
    """Return what the bundle makes of each of `samples`; with an `index` also their nearest training samples.

    With a `cluster` its nodes look at the images, unless the bundle has no features in ONNX. Memory holds a few batches
    of images, the probabilities and at most a thousand thumbnails.

    Raises:
        UsageError: `batch_size` is not positive.
        DataError: there are no samples, one has a label that the bundle does not know, its image is damaged, or the
            index is of another network.
        ServiceError: the cluster failed.
    """
    check_batch_size(batch_size)
    check_labels(bundle.class_names, samples)
    gallery, rows, looks = Gallery(), dict[str, tuple[Prediction, NDArray[np.float32]]](), dict[str, Look]()
    for seen in _seen(bundle, dataset, samples, batch_size, cluster):
        for i, prediction in enumerate(_predictions(bundle, seen, index)):
            name, looked = prediction.filename, seen.pictures[i]
            rows[name], looks[name] = (prediction, seen.probabilities[i]), looked.look
            gallery.add(name, prediction.loss, seen.samples[i].sha256, looked.thumbnail)
    ordered = [rows[name] for name in sorted(rows)]
    looks = {name: looks[name] for name in sorted(looks)}
    return Tested([p for p, _ in ordered], np.stack([row for _, row in ordered]), looks, gallery.thumbnails())


def _seen(
    bundle: AskedBundle, dataset: Dataset, samples: Sequence[Sample], batch_size: int, cluster: "RayCluster | None"
) -> Iterator[Seen]:
    """Yield all `samples` with what is seen of them, about AT_ONCE at a time, in any order."""
    with Progress("predicting", len(samples)) as progress:
        if cluster and isinstance(bundle, Twin):
            yield from seen_by_cluster(cluster, bundle, dataset, samples, batch_size, AT_ONCE, progress.advance)
            return
        answer, size = bundle.predict_with_features, bundle.image_size
        batches = seen_in_batches(dataset, samples, answer, size, batch_size, progress.advance)
        yield from in_parts(batches, math.ceil(AT_ONCE / whole_batches(batch_size)))


def _predictions(bundle: AskedBundle, seen: Seen, index: NeighbourIndex | None) -> list[Prediction]:
    neighbours: list[list[Neighbour]] = index.nearest(seen.features) if index else [[] for _ in seen.samples]
    bright = [picture.brightness for picture in seen.pictures]
    temperature = bundle.manifest.temperature
    return predict_samples(seen.samples, seen.probabilities, bundle.class_names, temperature, bright, neighbours)
