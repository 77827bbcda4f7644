"""Pooled features: every image passed once through the frozen backbone."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from components.classifier import run_batch
from components.dataset import Dataset
from components.image_batches import image_batches
from components.keras_runtime import keras
from components.progress import Progress
from components.samples import Sample

# The same whatever the batch size of training: features must not depend on how the head is trained.
BATCH_SIZE = 32


def extract_features(
    extractor: "keras.Model", dataset: Dataset, samples: Sequence[Sample], keep: Collection[str] = ()
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.uint8]]]:
    """Return the features of `samples`, float32 `[N, D]` in their order, and the pixels of those in `keep` by id.

    Memory holds the features and a few batches of images, whatever the number of images.

    Args:
        extractor: from uint8 RGB `[N, H, W, 3]` to features `[N, D]`.
        dataset: holds the samples' images.
        samples: each is read and decoded once.
        keep: ids of the samples whose pixels, uint8 `[H, W, 3]`, are wanted as well.

    Raises:
        DataError: an image is missing, damaged or cannot be decoded.
    """
    features = np.empty((len(samples), extractor.output_shape[-1]), np.float32)
    position = {sample.sample_id: index for index, sample in enumerate(samples)}
    kept: dict[str, NDArray[np.uint8]] = {}
    with Progress("features", len(samples)) as progress:
        for batch, pixels in image_batches(dataset, samples, extractor.input_shape[1], BATCH_SIZE):
            features[[position[sample.sample_id] for sample in batch]] = run_batch(extractor, pixels, BATCH_SIZE)
            kept |= {s.sample_id: image for s, image in zip(batch, pixels, strict=True) if s.sample_id in keep}
            progress.advance(len(batch))
    return features, kept
