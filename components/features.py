"""Pooled features: every image passed once through the frozen backbone, and not again while a cache remembers it."""

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.classifier import run_batch
from components.dataset import Dataset
from components.image_batches import image_batches
from components.keras_runtime import keras
from components.progress import Progress
from components.samples import Sample

if TYPE_CHECKING:
    from components.feature_cache import FeatureCache

log = logging.getLogger("pawline")

# The same whatever the batch size of training: features must not depend on how the head is trained.
BATCH_SIZE = 32

Pixels = dict[str, NDArray[np.uint8]]


def extract_features(
    extractor: "keras.Model",
    dataset: Dataset,
    samples: Sequence[Sample],
    keep: Collection[str] = (),
    cache: "FeatureCache | None" = None,
) -> tuple[NDArray[np.float32], Pixels]:
    """Return the features of `samples`, float32 `[N, D]` in their order, and the pixels of those in `keep` by id.

    Memory holds the features and a few batches of images, whatever the number of images. With and without `cache` the
    features are the same, bit by bit: what the network gives for an image does not depend on the rest of its batch.

    Args:
        extractor: from uint8 RGB `[N, H, W, 3]` to features `[N, D]`.
        dataset: holds the samples' images.
        samples: each is read and decoded at most once, equal images run through the network once.
        keep: ids of the samples whose pixels, uint8 `[H, W, 3]`, are wanted as well.
        cache: from `open_feature_cache` with this extractor; images that it knows are not read.

    Raises:
        DataError: an image is missing, damaged or cannot be decoded.
    """
    features = np.empty((len(samples), extractor.output_shape[-1]), np.float32)
    rows: dict[str, list[int]] = defaultdict(list)
    for index, sample in enumerate(samples):
        rows[sample.sha256].append(index)
    known = cache.read(rows, features) if cache else set()
    if known:
        log.info("features: %d of %d images are in the cache", sum(len(rows[sha]) for sha in known), len(samples))
    new = [samples[indices[0]] for sha256, indices in rows.items() if sha256 not in known]
    kept = _compute(extractor, dataset, new, rows, features, keep, cache)
    return features, kept | _pixels(extractor, dataset, [s for s in samples if s.sample_id in keep and s not in new])


def _compute(
    extractor: "keras.Model",
    dataset: Dataset,
    new: Sequence[Sample],
    rows: dict[str, list[int]],
    features: NDArray[np.float32],
    keep: Collection[str],
    cache: "FeatureCache | None",
) -> Pixels:
    kept: Pixels = {}
    if not new:
        return kept
    with Progress("features", len(new)) as progress:
        for batch, pixels in image_batches(dataset, new, extractor.input_shape[1], BATCH_SIZE):
            computed = run_batch(extractor, pixels, BATCH_SIZE)
            for sample, values in zip(batch, computed, strict=True):
                features[rows[sample.sha256]] = values
            if cache:
                cache.add([sample.sha256 for sample in batch], computed)
            kept |= {s.sample_id: image for s, image in zip(batch, pixels, strict=True) if s.sample_id in keep}
            progress.advance(len(batch))
    if cache:
        cache.flush()
    return kept


def _pixels(extractor: "keras.Model", dataset: Dataset, samples: Sequence[Sample]) -> Pixels:
    if not samples:
        return {}
    batches = image_batches(dataset, samples, extractor.input_shape[1], BATCH_SIZE)
    return {s.sample_id: image for batch, pixels in batches for s, image in zip(batch, pixels, strict=True)}
