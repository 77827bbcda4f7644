"""Small real data for tests: images of noise, decompression bombs, an ecotag export."""

import io
import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

LABELS = ("cat", "dog", "other")


def image_bytes(seed: int, size: tuple[int, int] = (24, 16), format: str = "PNG") -> bytes:
    """Return an encoded image of noise; another seed gives other bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


def noise_images(count: int, size: tuple[int, int] = (24, 16)) -> dict[str, bytes]:
    """Return `count` images by name, `page<i>.png`."""
    return {f"page{index}.png": image_bytes(index, size) for index in range(count)}


def labels_of(names) -> dict[str, str]:
    """Return a label for each of `names`, in turn."""
    return {name: LABELS[index % len(LABELS)] for index, name in enumerate(names)}


def ecotag_export(labels: Mapping[str, object], **envelope: object) -> str:
    """Return an ecotag export of an image classifier, one annotator."""
    annotations = [
        {"nameIdentifier": "ann", "createDate": 638000000000000000, "fileName": name, "annotation": {"label": label}}
        for name, label in labels.items()
    ]
    whole = {"projectName": "pets", "projectType": "ImageClassifier", "annotations": annotations, **envelope}
    return json.dumps(whole)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files`, bytes by relative name, below `folder`."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def png_bomb(width: int = 13_300, height: int = 13_300) -> bytes:
    """Return a black RGB PNG whose pixels take a thousand times its size."""
    compress = zlib.compressobj(9)
    row = bytes(1 + 3 * width)
    pixels = b"".join([*(compress.compress(row) for _ in range(height)), compress.flush()])
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", pixels) + _png_chunk(b"IEND", b"")


def webp_bomb(side: int = 16_383) -> bytes:
    """Return a lossless WebP of one colour: 30 bytes for `side` x `side` pixels.

    Source: WebP Lossless Bitstream Specification; each of the five prefix codes is simple with one symbol.
    """
    fields = [
        (side - 1, 14),
        (side - 1, 14),
        (0, 1),
        (0, 3),
        (0, 1),
        (0, 1),
        (0, 1),
        *[(1, 1), (0, 1), (0, 1), (0, 1)] * 5,
    ]
    bits = shift = 0
    for value, width in fields:
        bits |= value << shift
        shift += width
    data = b"\x2f" + bits.to_bytes((shift + 7) // 8 + 8, "little")
    data += bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(data) + 12) + b"WEBPVP8L" + struct.pack("<I", len(data)) + data


def animated_webp_bomb(side: int = 16_384) -> bytes:
    """Return the start of an animation with a canvas of `side` x `side` pixels, and no frame."""
    canvas = b"\x02\0\0\0" + (side - 1).to_bytes(3, "little") * 2
    chunks = b"VP8X" + struct.pack("<I", 10) + canvas + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def bmp_bomb(side: int = 13_300) -> bytes:
    """Return a run-length encoded black BMP: two bytes for up to 255 pixels."""
    row = b"\xff\0" * (side // 255) + bytes([side % 255, 0]) + b"\0\0"
    palette, pixels = bytes(4 * 256), row * side + b"\0\x01"
    offset = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + header + palette + pixels


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
