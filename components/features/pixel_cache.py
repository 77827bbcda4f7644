"""Decoded pixels on disk: every image read and decoded once, then there for each epoch without memory growing."""

import mmap
import os
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.dataset.batches import image_batches
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.step.errors import ServiceError, one_line
from components.step.progress import Progress

BATCH_SIZE = 32


Pixels = np.memmap[Any, np.dtype[np.uint8]]


def decoded_pixels(dataset: Dataset, samples: Sequence[Sample], image_size: int, folder: Path) -> Pixels:
    """Return the pixels of `samples`, uint8 RGB `[N, image_size, image_size, 3]` in their order, mapped from a file.

    The file in `folder` has no name: it is gone with the array, also when the process is killed. Its pages are the
    kernel's to drop; use `take_pixels` to read it without this process's memory growing.

    Raises:
        DataError: an image is missing, damaged or cannot be decoded; or there is no sample.
        ServiceError: `folder` cannot be written or is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix="pawline-") as file:
            _decode_into(file.fileno(), dataset, samples, image_size)
            shape = (len(samples), image_size, image_size, 3)
            return np.memmap(file, np.uint8, "r", shape=shape)
    except OSError as error:
        raise ServiceError(
            f"The folder for decoded images must have room for {len(samples) * image_size**2 * 3 / 1e6:.0f} MB. "
            f"Received: {one_line(folder)}: {error.strerror or error}. Free space or name another folder."
        ) from error


def take_pixels(pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return a copy of the `rows` of `pixels`; of a mapped file no page stays in this process's memory."""
    taken = np.asarray(pixels[rows])
    mapping = getattr(pixels, "_mmap", None)  # numpy's only way to the mapping of a memmap and of its slices.
    if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)  # The kernel keeps them in its page cache as long as there is room.
    return taken


def _decode_into(file: int, dataset: Dataset, samples: Sequence[Sample], image_size: int) -> None:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, sample in enumerate(samples):
        rows[sample.sha256].append(row)
    once = [samples[first] for first, *_ in rows.values()]
    size = image_size**2 * 3
    os.posix_fallocate(file, 0, max(1, len(samples) * size))
    with Progress("decoding", len(once)) as progress:
        for batch, pixels in image_batches(dataset, once, image_size, BATCH_SIZE):
            for sample, image in zip(batch, pixels, strict=True):
                for row in rows[sample.sha256]:
                    os.pwrite(file, image, row * size)
            progress.advance(len(batch))
