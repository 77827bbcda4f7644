"""From an image file to what the network sees; large pictures one at a time, so that memory stays flat."""

import threading
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray

from components.dataset.images import decoded, model_input, open_image

# Decoded, 4 million pixels are 16 MB. Larger ones are decoded one at a time, whatever the number of threads.
LARGE_PIXELS = 4_000_000
_large = threading.Lock()


def network_input(data: bytes, side: int, max_pixels: int) -> NDArray[np.uint8]:
    """Return the image file `data` as the network sees it, uint8 RGB `[side, side, 3]`.

    Raises:
        BadImage: it is none, has more than `max_pixels`, or is damaged.
    """
    with open_image(data, max_pixels) as image, _large if is_large(image.size, side) else nullcontext():
        return model_input(decoded(image), side)


def is_large(size: tuple[int, int], side: int) -> bool:
    """Say whether a picture of `size` pixels, to be scaled to `side`, is decoded only while no other large one is."""
    # Scaling makes a picture of side x height in between.
    return max(size[0], side) * size[1] > LARGE_PIXELS
