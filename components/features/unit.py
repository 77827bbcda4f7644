"""The unit of the feature pass: some samples become their features wherever that is done, without Keras."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from components.dataset.batches import image_batches
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset, open_dataset
from components.inference.batch_engine import BatchEngine

AT_ONCE = 512  # Samples of a unit: half a minute of a core, and 2.5 MB of features at 1,280 each.
BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class FeatureWork:
    """What a unit needs beside its samples: the ONNX `network`, its input's side in pixels, and their dataset."""

    network: bytes
    image_size: int
    dataset_uri: str


def compute_features(work: FeatureWork, samples: Sequence[Sample]) -> NDArray[np.float32]:
    """Return the features of `samples`, float32 `[N, D]` in their order, N > 0: the same bits on equal processors.

    Raises:
        DataError: an image is missing, damaged or cannot be decoded.
    """
    engine, computed = kept_engine(work.network), dict[str, NDArray[np.float32]]()
    for batch, pixels in image_batches(kept_dataset(work.dataset_uri), samples, work.image_size, BATCH_SIZE):
        computed |= {sample.sample_id: row for sample, row in zip(batch, engine.run(pixels)[0], strict=True)}
    return np.stack([computed[sample.sample_id] for sample in samples])


@lru_cache(maxsize=1)
def kept_engine(network: bytes, further: tuple[str, ...] = ()) -> BatchEngine:
    """Return what runs `network`, with its `further` outputs, kept for a process's next unit."""
    return BatchEngine(network, further)


@lru_cache(maxsize=1)
def kept_dataset(uri: str) -> Dataset:
    """Return the dataset, which never changes; its table is read once a process."""
    return open_dataset(uri)


def name_of(unit: Sequence[Sample]) -> str:
    """Return how messages call a unit of these samples."""
    return f"{unit[0].sample_id} to {unit[-1].sample_id}"
