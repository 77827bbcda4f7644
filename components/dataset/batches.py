"""Samples of a dataset as batches of decoded pixels, read and decoded ahead in threads, a few batches in memory."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from components.dataset.images import to_model_input
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.step.cores import available_cores
from components.step.parallel import taken_ahead

Item = TypeVar("Item")
Decoded = TypeVar("Decoded")

# Two batches are read and decoded ahead of the one in use, so that the network waits neither for disk nor for decoding.
AHEAD = 2


def image_batches(
    dataset: Dataset, samples: Sequence[Sample], image_size: int, batch_size: int
) -> Iterator[tuple[list[Sample], NDArray[np.uint8]]]:
    """Yield each of `samples` once, in the dataset's order, with its pixels.

    Yields:
        At most `batch_size` samples and their uint8 RGB pixels [N, image_size, image_size, 3].
    """
    for batch, pixels in decoded_batches(dataset, samples, lambda data: to_model_input(data, image_size), batch_size):
        yield batch, np.stack(pixels)


def decoded_batches(
    dataset: Dataset, samples: Sequence[Sample], decode: Callable[[bytes], Decoded], batch_size: int
) -> Iterator[tuple[list[Sample], list[Decoded]]]:
    """Yield each of `samples` once, in the dataset's order, with what `decode` makes of its image in a thread.

    Yields:
        At most `batch_size` samples and as many results.
    """
    with ThreadPoolExecutor(available_cores()) as pool:
        try:
            submitted = ((sample, pool.submit(decode, data)) for sample, data in dataset.images(samples))
            for batch in taken_ahead(_in_batches(submitted, batch_size), AHEAD):
                yield [sample for sample, _ in batch], [decoded.result() for _, decoded in batch]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _in_batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while batch := list(islice(items, size)):
        yield batch
