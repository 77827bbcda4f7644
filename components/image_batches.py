"""Samples of a dataset as batches of decoded pixels, decoded in parallel, a few batches in memory at a time."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from components.dataset import Dataset
from components.images import to_model_input
from components.samples import Sample

Decoded = tuple[Sample, Future[NDArray[np.uint8]]]


def image_batches(
    dataset: Dataset, samples: Sequence[Sample], image_size: int, batch_size: int
) -> Iterator[tuple[list[Sample], NDArray[np.uint8]]]:
    """Yield each of `samples` once, in the dataset's order, with its pixels.

    Yields:
        At most `batch_size` samples and their uint8 RGB pixels [N, image_size, image_size, 3].
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            submitted = (
                (sample, pool.submit(to_model_input, data, image_size)) for sample, data in dataset.images(samples)
            )
            # Two batches decode ahead of the one in use, so that the network never waits for the disk.
            for batch in _ahead(_in_batches(submitted, batch_size), 2):
                yield [sample for sample, _ in batch], np.stack([pixels.result() for _, pixels in batch])
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _in_batches(items: Iterator[Decoded], size: int) -> Iterator[list[Decoded]]:
    while batch := list(islice(items, size)):
        yield batch


def _ahead(batches: Iterable[list[Decoded]], count: int) -> Iterator[list[Decoded]]:
    waiting: list[list[Decoded]] = []
    for batch in batches:
        waiting.append(batch)
        if len(waiting) > count:
            yield waiting.pop(0)
    yield from waiting
