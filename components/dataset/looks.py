"""An image as a few bytes that are compared instead of it: small, and without knowing of any network."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.dataset.images import decoded, open_image

SIDE, COLOUR_SIDE = 32, 8  # Of the grey and of the two colour planes, in pixels.
GREY = SIDE * SIDE
LOOK_BYTES = GREY + 2 * COLOUR_SIDE**2
ENOUGH = 4 * SIDE  # Pixels a side from which on a JPEG may be decoded smaller than it is.

Look = NDArray[np.uint8]


def look_of(image: Image.Image) -> Look:
    """Return what is compared of a decoded RGB `image`: 32 x 32 luma, then 8 x 8 of each chroma, uint8 [LOOK_BYTES]."""
    small = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0).convert("YCbCr")
    colours = small.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)
    planes = [small.getchannel(0), colours.getchannel(1), colours.getchannel(2)]
    return np.concatenate([np.asarray(plane, np.uint8).ravel() for plane in planes])


def look_at_file(data: bytes) -> Look:
    """Return `look_of` the encoded image `data`; of a large JPEG, several times faster, decoded at a part of its size.

    Raises:
        BadImage: as `decode_image`.
    """
    with open_image(data) as image:
        image.draft("RGB", (ENOUGH, ENOUGH))
        return look_of(decoded(image))
