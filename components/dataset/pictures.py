"""What is kept of an image that is decoded once: brightness, its look, a thumbnail."""

import heapq
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.dataset.batches import decoded_batches
from components.dataset.images import data_uri, decode_image, model_input
from components.dataset.looks import Look, look_of
from components.dataset.samples import Sample
from components.dataset.snapshot import Dataset
from components.step.cores import available_cores

THUMBNAIL_SIZE, NEIGHBOUR_SIZE = 128, 64
# About 2 kB for a photo in half a millisecond; more effort hardly makes it smaller.
QUALITY, EFFORT = 65, 2
BATCH_SIZE = 32
WORST, DRAWN = 700, 300  # What a browser still shows at ease.
# Source: ITU-R BT.601, red, green and blue in luma.
LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, slots=True)
class Picture:
    """`brightness` is the mean luma, 0 to 255, `look` what is compared of it, `thumbnail` the image made small."""

    brightness: float
    look: Look
    thumbnail: Image.Image


def look_at(data: bytes, image_size: int, thumbnail_size: int) -> tuple[NDArray[np.uint8], Picture]:
    """Return what the network sees of the encoded image `data`, uint8 RGB `[image_size, image_size, 3]`, and a picture.

    Raises:
        BadImage: as `decode_image`.
    """
    image = decode_image(data)
    pixels = model_input(image, image_size)
    # What the network sees is small already, and much sooner scaled than a photo.
    source = Image.fromarray(pixels) if image_size >= thumbnail_size else image
    scale = min(1.0, thumbnail_size / max(image.size))
    size = (max(1, round(scale * image.width)), max(1, round(scale * image.height)))
    small = source.resize(size, Image.Resampling.BILINEAR)
    return pixels, Picture(brightness(pixels), look_of(image), small)


def encoded(thumbnail: Image.Image) -> str:
    """Return `thumbnail` as a data URI."""
    return data_uri(thumbnail, max(thumbnail.size), QUALITY, EFFORT)


def brightness(pixels: NDArray[np.uint8]) -> float:
    """Return the mean luma (ITU-R BT.601) of uint8 RGB `[H, W, 3]`, 0 (black) to 255 (white)."""
    return float(np.asarray(Image.fromarray(pixels).convert("L")).mean())


def pictures_of(
    dataset: Dataset, samples: Sequence[Sample], image_size: int, thumbnail_size: int
) -> dict[str, Picture]:
    """Return the pictures of `samples` by id; memory holds no pixels but of a few batches.

    Raises:
        DataError: an image is missing or damaged.
    """

    def decode(data: bytes) -> Picture:
        return look_at(data, image_size, thumbnail_size)[1]

    batches = decoded_batches(dataset, samples, decode, BATCH_SIZE)
    return {sample.sample_id: found for batch, made in batches for sample, found in zip(batch, made, strict=True)}


class Gallery:
    """Keeps the thumbnails of the samples to show: those of the highest loss, and some of the rest; encodes no others.

    However many samples there are, no more than these are held. What is kept depends on the samples alone, not on
    their order.
    """

    def __init__(self, worst: int = WORST, drawn: int = DRAWN) -> None:
        """Keep the `worst` by loss and `drawn` of the rest by their sha256, which is as good as a random draw."""
        self._worst, self._drawn = _Largest(worst), _Largest(drawn)

    def add(self, sample_id: str, loss: float, sha256: str, thumbnail: Image.Image) -> None:
        """Offer a sample's thumbnail; what one list lets go of is offered to the other."""
        released = self._worst.push((loss, sample_id, sha256, thumbnail))
        if released:
            _, name, digest, picture = released
            self._drawn.push((digest, name, digest, picture))

    def thumbnails(self) -> dict[str, str]:
        """Return the thumbnails that were kept as data URIs, by sample_id."""
        kept = [(name, picture) for held in (self._worst, self._drawn) for _, name, _, picture in held.items]
        with ThreadPoolExecutor(available_cores()) as pool:
            found = pool.map(encoded, (picture for _, picture in kept))
            return {name: uri for (name, _), uri in zip(kept, found, strict=True)}


Offered = tuple[float | str, str, str, Image.Image]  # What counts, sample_id, sha256, thumbnail.


class _Largest:
    """Holds the `count` largest of the tuples pushed."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.items: list[Offered] = []

    def push(self, item: Offered) -> Offered | None:
        """Take `item` in; return what has no place any more."""
        if len(self.items) < self._count:
            heapq.heappush(self.items, item)
            return None
        return heapq.heappushpop(self.items, item)
