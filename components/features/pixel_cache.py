"""Decoded pixels on disk: every image read and decoded once, then there for each epoch without memory growing."""

import math
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.dataset.batches import image_batches
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.features.unnamed_file import unnamed_file
from components.step.progress import Progress

BATCH_SIZE = 32


Pixels = np.memmap[Any, np.dtype[np.uint8]]


def decoded_pixels(dataset: Dataset, samples: Sequence[Sample], image_size: int, folder: Path) -> Pixels:
    """Return the pixels of `samples`, uint8 RGB `[N, image_size, image_size, 3]` in their order, mapped from a file.

    The file in `folder` has no name: it is gone with the array, also when the process is killed. Its pages are the
    kernel's to drop; use `take_rows` to read it without this process's memory growing.

    Raises:
        DataError: an image is missing, damaged or cannot be decoded; or there is no sample.
        ServiceError: `folder` cannot be written or is full.
    """
    shape = (len(samples), image_size, image_size, 3)
    with unnamed_file(folder, math.prod(shape), "decoded images") as file:
        _decode_into(file.fileno(), dataset, samples, image_size)
        return np.memmap(file, np.uint8, "r", shape=shape)


def _decode_into(file: int, dataset: Dataset, samples: Sequence[Sample], image_size: int) -> None:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, sample in enumerate(samples):
        rows[sample.sha256].append(row)
    once = [samples[first] for first, *_ in rows.values()]
    size = image_size**2 * 3
    with Progress("decoding", len(once)) as progress:
        for batch, pixels in image_batches(dataset, once, image_size, BATCH_SIZE):
            for sample, image in zip(batch, pixels, strict=True):
                for row in rows[sample.sha256]:
                    os.pwrite(file, image, row * size)
            progress.advance(len(batch))
