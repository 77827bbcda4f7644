"""Images of every kind a bucket may hold: a picture of four coloured quarters, encoded in many ways."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 24, 16
# Top left, top right, bottom left, bottom right of the upright picture.
QUARTERS = ((220, 30, 30), (30, 200, 40), (40, 60, 230), (240, 220, 60))


def quarters() -> Image.Image:
    """Return the picture, RGB, 24 x 16 pixels."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    for index, colour in enumerate(QUARTERS):
        row, column = divmod(index, 2)
        pixels[row * 8 : row * 8 + 8, column * 12 : column * 12 + 12] = colour
    return Image.fromarray(pixels)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """Return `image` in `format`."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def camera_exif(orientation: int = 6) -> Image.Exif:
    """Return the metadata of a camera that was held as `orientation` says."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "a camera"
    exif[0x8769] = {0x9003: "2023:03:01 12:00:00", 0x829A: (1, 60)}
    return exif


def frames() -> dict[str, Any]:
    """Return the options that add a second, blue picture."""
    return {"save_all": True, "append_images": [Image.new("RGB", (WIDTH, HEIGHT), "blue")]}


# Each of them shows the four quarters, upright unless its name says turned.
PICTURES: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encoded(quarters(), "JPEG", quality=95, subsampling=0),
    "jpeg progressive turned": lambda: encoded(quarters(), "JPEG", progressive=True, exif=camera_exif()),
    "jpeg cmyk": lambda: encoded(quarters().convert("CMYK"), "JPEG", quality=95),
    "png": lambda: encoded(quarters(), "PNG"),
    "png turned": lambda: encoded(quarters(), "PNG", exif=camera_exif()),
    "png palette": lambda: encoded(quarters().quantize(8), "PNG"),
    "png rgb 16": lambda: png(np.asarray(quarters()).astype(np.uint16) * 257, 2),
    "png alpha": lambda: encoded(quarters().convert("RGBA"), "PNG"),
    "png animated": lambda: encoded(quarters(), "PNG", **frames()),
    "webp": lambda: encoded(quarters(), "WEBP", quality=95),
    "webp lossless turned": lambda: encoded(quarters(), "WEBP", lossless=True, exif=camera_exif()),
    "webp animated": lambda: encoded(quarters(), "WEBP", lossless=True, **frames()),
    "bmp": lambda: encoded(quarters(), "BMP"),
    "bmp palette": lambda: encoded(quarters().quantize(8), "BMP"),
    "mpo": lambda: encoded(quarters(), "MPO", quality=95, subsampling=0, **frames()),
}


def png(pixels: np.ndarray, colour_type: int) -> bytes:
    """Return a 16-bit PNG, which Pillow writes for grey only, of `pixels` uint16 [height, width, channels]."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return _png([(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])


def png_bomb(width: int, height: int) -> bytes:
    """Return a black RGB PNG a thousandth of its decoded size, made without ever holding that."""
    packer, row = zlib.compressobj(9), bytes(1 + 3 * width)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return _png([(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")])


def _png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    packed = (struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def bmp_of_claimed_size(width: int, height: int) -> bytes:
    """Return 154 bytes that claim to be a 24-bit BMP of `width` x `height` pixels."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 154, 0, 0, 54) + header + bytes(100)


def webp_of_claimed_size(width: int, height: int) -> bytes:
    """Return an animated WebP of two small frames on a canvas that claims `width` x `height` pixels."""
    data = bytearray(PICTURES["webp animated"]())
    assert data[12:16] == b"VP8X"
    data[24:27], data[27:30] = (width - 1).to_bytes(3, "little"), (height - 1).to_bytes(3, "little")
    return bytes(data)
