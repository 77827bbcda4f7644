"""Pooled features: every image passed once through the frozen backbone, and not again while a cache remembers it."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.dataset.batches import image_batches
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.features.by_cluster import features_by_cluster
from components.features.network import feature_network
from components.features.unit import BATCH_SIZE
from components.features.unnamed_file import feature_rows, let_go, take_rows
from components.network.keras_runtime import keras
from components.step.counts import counted
from components.step.progress import Progress

if TYPE_CHECKING:
    from components.engine.ray_cluster import RayCluster
    from components.features.cache import FeatureCache

log = logging.getLogger("pawline")

Pixels = dict[str, NDArray[np.uint8]]
Batches = Iterator[tuple[list[Sample], NDArray[np.uint8]]]


def extract_features(
    extractor: "keras.Model",
    dataset: Dataset,
    samples: Sequence[Sample],
    keep: Collection[str] = (),
    cache: "FeatureCache | None" = None,
    decoded: NDArray[np.uint8] | None = None,
    folder: Path | None = None,
    cluster: "RayCluster | None" = None,
) -> tuple[NDArray[np.float32], Pixels]:
    """Return the features of `samples`, float32 `[N, D]` in their order, and the pixels of those in `keep` by id.

    Memory holds a few batches of images, and the features unless they are many and there is a `folder`. With and
    without `cache` the features are the same, bit by bit: what the network gives for an image does not depend on the
    rest of its batch.

    Args:
        extractor: from uint8 RGB `[N, H, W, 3]` to features `[N, D]`.
        dataset: holds the samples' images.
        samples: each is read and decoded at most once, equal images run through the network once.
        keep: ids of the samples whose pixels, uint8 `[H, W, 3]`, are wanted as well.
        cache: from `open_feature_cache` with this extractor; images that it knows are not read.
        folder: where a file of many features may lie, without a name; the array then is mapped from it.
        decoded: the pixels of `samples`, uint8 `[N, H, W, 3]` in their order, where they are there already.
        cluster: whose nodes compute what no cache knows, unless pixels are there already.

    Raises:
        DataError: an image is missing, damaged or cannot be decoded.
        ServiceError: the cluster failed.
    """
    features = feature_rows(len(samples), extractor.output_shape[-1], folder)
    rows: dict[str, list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        rows[sample.sha256].append(index)
    known = cache.read(rows, features) if cache else set()
    if known:
        there = sum(len(rows[sha]) for sha in known)
        log.info("features: %d of %s in the cache", there, counted(len(samples), "image"))
    new = [samples[indices[0]] for sha256, indices in rows.items() if sha256 not in known]
    if cluster and decoded is None:
        new = _left_by(features_by_cluster(cluster, extractor, dataset, new), new, rows, features, cache)
    known_kept = [sample for sample in samples if sample.sample_id in keep and sample not in new]

    def batches(wanted: Sequence[Sample]) -> Batches:
        if decoded is None:
            return image_batches(dataset, wanted, extractor.input_shape[1], BATCH_SIZE)
        return _taken(decoded, wanted, rows)

    kept = _compute(extractor, batches(new), len(new), rows, features, keep, cache) if new else {}
    if cache:
        cache.flush()
    return features, kept | {s.sample_id: image for part in batches(known_kept) for s, image in zip(*part, strict=True)}


def _left_by(
    found: Iterable[tuple[Sequence[Sample], NDArray[np.float32]]],
    wanted: Sequence[Sample],
    rows: Mapping[str, list[int]],
    features: NDArray[np.float32],
    cache: "FeatureCache | None",
) -> list[Sample]:
    """Keep the features that are `found`, also where more of them fail; return those of `wanted` that are not."""
    done: set[str] = set()
    try:
        for part, computed in found:
            _keep(part, computed, rows, features, cache)
            done |= {sample.sha256 for sample in part}
    finally:
        if cache:
            cache.flush()
    return [sample for sample in wanted if sample.sha256 not in done]


def _taken(decoded: NDArray[np.uint8], samples: Sequence[Sample], rows: Mapping[str, list[int]]) -> Batches:
    for start in range(0, len(samples), BATCH_SIZE):
        part = list(samples[start : start + BATCH_SIZE])
        yield part, take_rows(decoded, np.array([rows[sample.sha256][0] for sample in part]))


def _compute(
    extractor: "keras.Model",
    batches: Batches,
    count: int,
    rows: dict[str, list[int]],
    features: NDArray[np.float32],
    keep: Collection[str],
    cache: "FeatureCache | None",
) -> Pixels:
    kept: Pixels = {}
    network = feature_network(extractor)
    with Progress("features", count) as progress:
        for batch, pixels in batches:
            computed = network(pixels)
            _keep(batch, computed, rows, features, cache)
            kept |= {s.sample_id: image for s, image in zip(batch, pixels, strict=True) if s.sample_id in keep}
            progress.advance(len(batch))
    return kept


def _keep(
    samples: Sequence[Sample],
    computed: NDArray[np.float32],
    rows: Mapping[str, list[int]],
    features: NDArray[np.float32],
    cache: "FeatureCache | None",
) -> None:
    for sample, values in zip(samples, computed, strict=True):
        features[rows[sample.sha256]] = values
    let_go(features)
    if cache:
        cache.add([sample.sha256 for sample in samples], computed)
