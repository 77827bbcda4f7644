"""From what a client sent as an image to what the network sees, or to the reason why not."""

import numpy as np
from numpy.typing import NDArray

from components.dataset.images import BadImage, decoded, model_input, open_image
from components.inference.pictures import is_large
from components.serve.http.errors import RequestRefused, bad_request


class LargePicture(Exception):
    """A picture that is decoded only while no other large one is."""


_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM")


def network_input(data: bytes, side: int, max_pixels: int, may_be_large: bool) -> NDArray[np.uint8]:
    """Return the image file `data` as the network sees it, uint8 RGB `[side, side, 3]`.

    Raises:
        LargePicture: it is large and must not be; nothing has been decoded.
        RequestRefused: 400, `data` is empty; 415, not of an accepted format; 422, more than `max_pixels`, or damaged.
    """
    if not data:
        raise bad_request("An image must not be empty. Send a JPEG, PNG, WebP or BMP file.")
    try:
        with open_image(data, max_pixels) as image:
            if not may_be_large and is_large(image.size, side):
                raise LargePicture
            return model_input(decoded(image), side)
    except BadImage as error:
        raise _refused(data, error) from error


def _refused(data: bytes, error: BadImage) -> RequestRefused:
    if data.startswith(_SIGNATURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return RequestRefused(422, "bad_image", f"The image {error}.")
    return RequestRefused(415, "unsupported_image", f"The content {error}.")
