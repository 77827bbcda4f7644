"""From encoded bytes to pixels: the one decoding that train, test and serve share.

Only JPEG, PNG, WebP and BMP are opened, told apart by content. Turned upright by EXIF, transparency laid on white,
16-bit grey scaled to 8, then RGB.
"""

import base64
import io
import warnings
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from components.dataset.costly_images import why_costly
from components.dataset.image_kinds import image_kind
from components.step.errors import DataError, one_line

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
MAX_PIXELS = 50_000_000  # 50 megapixels, what large cameras give; 150 MB once decoded.
# As much as the largest image accepted takes without any compression, 3 bytes a pixel.
MAX_IMAGE_BYTES = 3 * MAX_PIXELS
# To scale a picture to S x S, Pillow makes one of S x height first, which for a thin picture is larger than both. No
# JPEG has a longer side than this.
MAX_SIDE = 65_535
TILE = 1024  # Pixels a side.

# Our own limit is checked right after the header is read; Pillow's would only warn.
Image.MAX_IMAGE_PIXELS = None
# Harmless oddities of metadata; pixels that fail raise. Once and for all, as catching warnings is not safe in threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Source: Exif 2.3, tag 0x0112. ImageOps.exif_transpose would fail on images whose other tags are damaged.
_TURNED_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BadImage(DataError):
    """Bytes that are no image we accept; the message says why, without naming the file."""


def image_size(data: bytes, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Return width and height in pixels as stored, read from the header alone.

    Raises:
        BadImage: not an image of the accepted formats, or more than `max_pixels` or a side of more than MAX_SIDE.
    """
    with open_image(data, max_pixels) as image:
        return image.size


def decode_image(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the upright RGB image in `data`.

    Raises:
        BadImage: as `image_size`, or the pixels cannot be decoded.
    """
    with open_image(data, max_pixels) as image:
        return decoded(image)


def open_image(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the image in `data` with its size known and its pixels not decoded yet.

    Raises:
        BadImage: as `image_size`.
    """
    if not data:
        raise BadImage("is empty")
    _check_pixels(_webp_size(data), max_pixels)
    if reason := why_costly(data):
        raise BadImage(reason)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:  # Pillow has no closed list of what damaged bytes raise.
        kind = image_kind(data[:32])
        known = f", but a {kind}" if kind and kind.upper() not in FORMATS else ""
        raise BadImage(f"is not a readable JPEG, PNG, WebP or BMP image{known}") from error
    _check_pixels(image.size, max_pixels)
    return image


def decoded(image: Image.Image) -> Image.Image:
    """Return what `open_image` gave as an upright RGB image.

    Raises:
        BadImage: the pixels cannot be decoded.
    """
    try:
        has_16_bits = _has_16_bits(image)
        image.load()
        if has_16_bits:
            _check_bits_used(image)
        return _rgb(_upright(image))
    except BadImage:
        raise
    except Exception as error:  # Pillow has no closed list of what damaged bytes raise.
        raise BadImage(f"cannot be decoded: {one_line(error, 120)}") from error


def to_model_input(data: bytes, image_size: int) -> NDArray[np.uint8]:
    """Return the image in `data` as a network sees it: uint8 RGB [image_size, image_size, 3], bilinear, antialiased."""
    return model_input(decode_image(data), image_size)


def model_input(image: Image.Image, image_size: int) -> NDArray[np.uint8]:
    """Return a decoded `image` as `to_model_input` does."""
    return np.asarray(image.resize((image_size, image_size), Image.Resampling.BILINEAR), dtype=np.uint8)


def thumbnail(data: bytes, size: int) -> str:
    """Return the image in `data` as a data URI of at most `size` x `size` pixels, for a report."""
    return data_uri(decode_image(data), size, quality=75, effort=4)


def data_uri(image: Image.Image, size: int, quality: int, effort: int) -> str:
    """Return a decoded `image` as a WebP data URI of at most `size` x `size` pixels.

    `quality` is 0 to 100; `effort`, 0 to 6, is time spent on making it small.
    """
    small = image.copy()
    small.thumbnail((size, size), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=quality, method=effort)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def tiles(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the boxes (left, top, right, bottom) of at most TILE pixels a side that an image of `size` is made of."""
    width, height = size
    for left, top in product(range(0, width, TILE), range(0, height, TILE)):
        yield left, top, min(left + TILE, width), min(top + TILE, height)


def _check_pixels(size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise BadImage(f"has {size[0]} x {size[1]} pixels, more than the limit of {max_pixels}")
    if max(size) > MAX_SIDE:
        raise BadImage(f"has {size[0]} x {size[1]} pixels, more than the limit of {MAX_SIDE} a side")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return the canvas of an extended WebP, (0, 0) for anything else.

    Pillow allocates an animation's canvas on opening, so its size is read first. Source: WebP Container Specification,
    "Extended File Format": 24-bit width and height less one at bytes 24 and 27.
    """
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8X" or len(data) < 30:
        return 0, 0
    return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1


def _has_16_bits(image: Image.Image) -> bool:
    """Tell whether an image that is not decoded yet is a PNG of 16 bits a channel."""
    return image.format == "PNG" and any(";16" in str(tile[3]) for tile in getattr(image, "tile", []))


def _check_bits_used(image: Image.Image) -> None:
    """Refuse a picture that claims 16 bits a channel and uses the lower 12 or fewer, as some cameras write them.

    Scaled by what it claims it is all but black, and what was meant is not known. Of colour, Pillow keeps the upper 8
    bits alone; grey of nothing but zeros is really black, and so is what is transparent.
    """
    lowest, highest = np.atleast_2d(image.getextrema()).T
    if image.mode.startswith("I"):
        unused = 0 < highest[0] < 4096
    else:
        unused = highest[:3].max() < 16 and (highest[:3].any() or lowest[3:].min(initial=255) == 255)
    if unused:
        raise BadImage("claims 16 bits a channel and uses the lower 12 or fewer: it would come out black")


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _TURNED_BY_ORIENTATION.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Metadata that cannot be read says nothing; the pixels are good.
        return image
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # Pillow would clip 16-bit grey to white.
        return _tile_by_tile(image, _from_16_bits)
    if image.has_transparency_data:
        return _tile_by_tile(image, _on_white)
    return image if image.mode == "RGB" else image.convert("RGB")  # Pillow would copy: 5 % of the time.


def _tile_by_tile(image: Image.Image, work: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Return what `work`, which looks at each pixel alone, makes of `image`; its copies in between stay small."""
    made = Image.new("RGB", image.size)
    for box in tiles(image.size):
        made.paste(work(image.crop(box)), box)
    return made


def _from_16_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")
