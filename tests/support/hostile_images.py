"""What a server may be sent as an image: bombs, torn and spoilt files, other formats, and odd files that are good."""

import gzip
import io
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, features

from tests.support.generated_images import (
    PICTURES,
    bmp_of_claimed_size,
    camera_exif,
    encoded,
    png,
    png_bomb,
    webp_of_claimed_size,
)

WIDTH, HEIGHT = 96, 64
GOOD, EMPTY, OTHER_FORMAT, BAD = 200, 400, 415, 422


@dataclass(frozen=True)
class Sent:
    """A body and the status it must be answered with; None where it may be a picture or not, GOOD or BAD."""

    name: str
    body: bytes
    status: int | None


@cache
def hostile_images() -> list[Sent]:
    """Return all of them, the same on every call."""
    kinds = (_bombs, _costly, _torn, _spoilt, _other_formats, _polyglots, _odd_but_good)
    return [Sent(f"{kind.__name__.strip('_')} {name}", body, status) for kind in kinds for name, body, status in kind()]


Made = Iterator[tuple[str, bytes, int | None]]


@cache
def red_picture() -> Image.Image:
    """Return a noisy picture that is mostly red, RGB, so large that its files have something to cut."""
    noise = np.random.default_rng(5).integers(0, 60, (HEIGHT, WIDTH, 3), np.uint8)
    return Image.fromarray(noise + np.array([190, 20, 20], np.uint8))


@cache
def good_files() -> dict[str, bytes]:
    """Return the red picture in each accepted format."""
    picture = red_picture()
    return {
        "jpeg": encoded(picture, "JPEG", quality=90),
        "jpeg progressive": encoded(picture, "JPEG", quality=90, progressive=True),
        "png": encoded(picture, "PNG"),
        "webp": encoded(picture, "WEBP", quality=90),
        "webp lossless": encoded(picture, "WEBP", lossless=True),
        "bmp": encoded(picture, "BMP"),
    }


def _bombs() -> Made:
    files = good_files()
    yield "png of 36 megapixels", png_bomb(6000, 6000), BAD
    for side in (5001, 65_535, 2**31 - 1):
        yield f"png that claims {side}", _png_of(side, side), BAD
    for bits, colours in ((1, 0), (8, 3), (16, 6)):
        yield f"png that claims {bits} bits of colour type {colours}", _png_of(60_000, 60_000, bits, colours), BAD
    yield "png interlaced that claims", _png_of(60_000, 60_000, interlaced=1), BAD
    for name in ("jpeg", "jpeg progressive"):
        for side in (6000, 65_500):
            yield f"{name} that claims {side}", _jpeg_of(files[name], side, side), BAD
    cmyk = encoded(red_picture().convert("CMYK"), "JPEG")
    yield "jpeg cmyk that claims", _jpeg_of(cmyk, 65_500, 65_500), BAD
    yield "webp lossy that claims", _webp_lossy_of(files["webp"], 16_383, 16_383), BAD
    yield "webp lossless that claims", _webp_lossless_of(files["webp lossless"], 16_384, 16_384), BAD
    for side in (6000, 16_384, 2**24):
        yield f"webp animated that claims {side}", webp_of_claimed_size(side, side), BAD
    for width, height in ((30_000, 30_000), (2**31 - 1, 1), (30_000, -30_000), (-30_000, 30_000), (5001, 5000)):
        yield f"bmp that claims {width} x {height}", bmp_of_claimed_size(width, height), BAD
    for kind in (1, 2):
        yield f"bmp of runs {kind} that claims", _bmp_of_runs(30_000, 30_000, kind, b"\xff\1" * 500), BAD


def _costly() -> Made:
    yield "jpeg of a thousand scans", _jpeg_of_scans(1000), BAD
    empty, unknown, text = (b"IDAT", b""), (b"abCd", b""), (b"tEXt", b"a\0b")
    for name, chunk in (("empty", empty), ("unknown", unknown), ("text", text)):
        yield f"png of 200,000 {name} chunks", _png_with([chunk] * 200_000), BAD
    packed = zlib.compress(bytes(50_000_000), 9)
    yield "png with a text of 50 MB", _png_with([(b"zTXt", b"a\0\0" + packed)]), BAD
    yield "png with a translated text of 50 MB", _png_with([(b"iTXt", b"a\0\1\0\0\0" + packed)]), BAD
    yield "png with a colour profile of 50 MB", _png_with([(b"iCCP", b"a\0\0" + packed)]), None
    for kind in (1, 2):
        yield f"bmp of {kind} short runs", _bmp_of_runs(4000, 4000, kind, b"\1\2" * 1_500_000), BAD
        yield f"bmp of {kind} runs of nothing", _bmp_of_runs(4000, 4000, kind, b"\0\2\0\0" * 750_000), BAD
    yield "png with metadata that overlap", _png_with([(b"eXIf", _overlapping_tags(3000, 500_000))]), None
    yield "jpeg with metadata that overlap", _jpeg_with(b"Exif\0\0" + _overlapping_tags(3000, 60_000)), None
    yield "png with metadata in a circle", _png_with([(b"eXIf", b"II*\0\x08\0\0\0\0\0\x08\0\0\0")]), None
    yield "png of a thousand frames", _png_of_frames(1000), None
    yield "jpeg with a megabyte between its parts", _filled_jpeg(b"\xff" * 1_000_000), BAD
    yield "jpeg with noise between its parts", _filled_jpeg(b"\0" * 1_000_000), OTHER_FORMAT
    yield "jpeg of 250,000 comments", _filled_jpeg(b"\xff\xfe\0\2" * 250_000), BAD
    yield "jpeg of 250,000 marks", _filled_jpeg(b"\xff\xd0" * 500_000), BAD


def _torn() -> Made:
    for name, data in good_files().items():
        for percent in range(5, 100, 5):
            yield f"{name} at {percent} %", data[: len(data) * percent // 100], BAD
    yield "at 0 %", b"", EMPTY


def _spoilt() -> Made:
    choose = random.Random(11)  # noqa: S311  # Nothing secret: the same files every time.
    for name, data in good_files().items():
        for index in range(6):
            spoilt = bytearray(data)
            for _ in range(10):
                spoilt[choose.randrange(len(data) // 10, len(data))] = choose.randrange(256)
            yield f"{name}, bytes changed, {index}", bytes(spoilt), None
        yield (
            f"{name}, its middle zeroed",
            data[: len(data) // 3] + bytes(len(data) // 3) + data[-len(data) // 3 :],
            None,
        )
    for name, magic in (("jpeg", b"\xff\xd8\xff\xe0"), ("png", b"\x89PNG\r\n\x1a\n"), ("bmp", b"BM"), ("webp", _RIFF)):
        yield f"{name}'s first bytes alone", magic, BAD
        yield f"{name}'s first bytes and noise", magic + choose.randbytes(5000), BAD
    yield "png of no width", _png_of(0, 10), BAD
    yield "png of negative width", _png_of(2**32 - 1, 10), BAD
    yield "png with a chunk of 2 GB", good_files()["png"][:33] + b"\x7f\xff\xff\xffIDAT" + bytes(100), BAD
    yield "png with wrong checksums", good_files()["png"].replace(b"IDAT", b"IDAt", 1), BAD
    yield "jpeg of no height", _jpeg_of(good_files()["jpeg"], WIDTH, 0), BAD
    yield "bmp of no size", bmp_of_claimed_size(0, 0), BAD


def _other_formats() -> Made:
    picture = red_picture()
    for name in (
        "GIF",
        "TIFF",
        "PPM",
        "ICO",
        "TGA",
        "PCX",
        "SGI",
        "DDS",
        "PDF",
        "EPS",
        "ICNS",
        "JPEG2000",
        "AVIF",
    ):
        if name not in ("JPEG2000", "AVIF") or features.check({"JPEG2000": "jpg_2000", "AVIF": "avif"}[name]):
            yield name.lower(), encoded(picture, name), OTHER_FORMAT
    yield "svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", OTHER_FORMAT
    yield "html", b"<!doctype html><script>alert(1)</script>", OTHER_FORMAT
    yield "json", b'{"image": "aGVsbG8="}', OTHER_FORMAT
    yield "text", b"a cat, certainly\n" * 100, OTHER_FORMAT
    yield "postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n", OTHER_FORMAT
    yield "program", b"\x7fELF" + bytes(1000), OTHER_FORMAT
    yield "pickle", pickle.dumps({"image": [1, 2, 3]}), OTHER_FORMAT
    yield "numpy", _npy(), OTHER_FORMAT
    yield "zip", _zip(), OTHER_FORMAT
    yield "gzip of a jpeg", gzip.compress(good_files()["jpeg"]), OTHER_FORMAT
    yield "base64 of a jpeg", b"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQ==", OTHER_FORMAT
    yield "sound", b"RIFF\x24\0\0\0WAVEfmt " + bytes(100), OTHER_FORMAT
    yield "film", b"\0\0\0\x18ftypmp42" + bytes(1000), OTHER_FORMAT
    for size in (1, 2, 26_000, 1_000_000):
        yield f"{size} zero bytes", bytes(size), OTHER_FORMAT
    yield "bytes of ones", b"\xff" * 5000, OTHER_FORMAT
    yield "byte order mark", b"\xef\xbb\xbf", OTHER_FORMAT
    for seed in range(10):
        yield f"noise {seed}", np.random.default_rng(seed).bytes(3000), OTHER_FORMAT


def _polyglots() -> Made:
    """What is a picture and something else: the first bytes decide."""
    script, archive, files = b"<script>alert(1)</script>", _zip(), good_files()
    for name, data in files.items():
        yield f"{name} and zip", data + archive, GOOD
        yield f"{name} and script", data + script, GOOD
    yield "jpeg with a script in its comment", _jpeg_with(script, marker=0xFE), GOOD
    yield "png with a script in its text", _png_with([(b"tEXt", b"Comment\0" + script)]), GOOD
    yield "two jpegs", files["jpeg"] * 2, GOOD
    yield "jpeg and png", files["jpeg"] + files["png"], GOOD
    yield "zip and jpeg", archive + files["jpeg"], OTHER_FORMAT
    yield "gif and script", b"GIF89a/*" + bytes(20) + b"*/=1;" + script, OTHER_FORMAT
    yield "pdf and jpeg", b"%PDF-1.7\n" + files["jpeg"], OTHER_FORMAT
    yield "script and png", script + files["png"], OTHER_FORMAT
    yield "line end and jpeg", b"\n" + files["jpeg"], OTHER_FORMAT
    yield "first bytes of a bmp and script", b"BM" + script, BAD
    yield "webp around a png", _RIFF + files["png"], BAD


def _odd_but_good() -> Made:
    picture = red_picture()
    for name, make in PICTURES.items():
        yield f"quarters {name}", make(), GOOD
    for orientation in range(1, 9):
        yield f"jpeg turned {orientation}", encoded(picture, "JPEG", exif=camera_exif(orientation)), GOOD
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        made = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)  # All 16 bits are used.
        made = made if mode == "I;16" else picture.convert(mode)
        yield f"png {mode}", encoded(made, "PNG"), GOOD
    yield "png of 16 bits and alpha", png(np.full((64, 96, 4), 40_000, np.uint16), 6), GOOD
    yield "png palette with transparency", encoded(picture.quantize(16), "PNG", transparency=3), GOOD
    yield "jpeg grey", encoded(picture.convert("L"), "JPEG"), GOOD
    yield "jpeg cmyk turned", encoded(picture.convert("CMYK"), "JPEG", exif=camera_exif(8)), GOOD
    yield "jpeg with a broken profile", encoded(picture, "JPEG", icc_profile=b"no profile"), GOOD
    yield "jpeg with broken metadata", _jpeg_with(b"Exif\0\0II*\0\xff\xff\xff\xff"), GOOD
    yield "webp with transparency", encoded(picture.convert("RGBA"), "WEBP", lossless=True), GOOD
    yield "bmp upside down", _bmp_upside_down(), GOOD
    for width, height in ((1, 1), (1, 5000), (5000, 1)):
        yield f"png of {width} x {height}", encoded(picture.resize((width, height)), "PNG"), GOOD
    # As many pixels as small files can have below the limit, in the modes that cost most.
    yield "png of 14 megapixels with transparency", _flat_png("P", transparency=0), GOOD
    yield "png of 14 megapixels of 16 bits", _flat_png("I;16"), GOOD
    yield "jpeg of 12 megapixels", encoded(picture.resize((4000, 3000)), "JPEG", quality=60), GOOD


_RIFF = b"RIFF\x24\0\0\0WEBPVP8 "


def _png_with(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """Return the red picture as PNG with `chunks` after its header."""
    data = good_files()["png"]
    packed = b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
    return data[:33] + packed + data[33:]


def _png_of(width: int, height: int, bits: int = 8, colours: int = 2, interlaced: int = 0) -> bytes:
    """Return a PNG whose header claims what is given, over the red picture's pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, interlaced)
    data = good_files()["png"]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def _flat_png(mode: str, **options: int) -> bytes:
    return encoded(Image.new(mode, (3750, 3750)), "PNG", compress_level=1, **options)


def _png_of_frames(count: int) -> bytes:
    small = red_picture().resize((8, 8))
    others = [small.point(lambda value, by=index: value ^ by) for index in range(1, count)]
    return encoded(small, "PNG", save_all=True, append_images=others)


def _jpeg_of(data: bytes, width: int, height: int) -> bytes:
    """Return a JPEG whose frame header claims a size. Source: ITU-T T.81, B.2.2."""
    start = next(data.index(bytes((0xFF, kind, 0))) for kind in (0xC0, 0xC2) if bytes((0xFF, kind, 0)) in data)
    return data[: start + 5] + struct.pack(">HH", height, width) + data[start + 9 :]


def _jpeg_with(content: bytes, marker: int = 0xE1) -> bytes:
    """Return the red picture as JPEG with a segment of `content` at its beginning."""
    data = good_files()["jpeg"]
    return data[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content + data[2:]


def _jpeg_of_scans(count: int) -> bytes:
    """Return a progressive JPEG of 16 megapixels whose last scan is repeated `count` times."""
    data = encoded(Image.new("RGB", (4000, 4000), "red"), "JPEG", progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * count + data[-2:]


def _filled_jpeg(between: bytes) -> bytes:
    """Return a JPEG with `between` before its first segment."""
    data = good_files()["jpeg"]
    return data[:2] + between + data[2:]


def _webp_lossy_of(data: bytes, width: int, height: int) -> bytes:
    """Return a WebP whose VP8 frame header claims a size. Source: RFC 6386, 9.1."""
    start = data.index(b"\x9d\x01\x2a") + 3
    return data[:start] + struct.pack("<HH", width, height) + data[start + 4 :]


def _webp_lossless_of(data: bytes, width: int, height: int) -> bytes:
    """Return a WebP whose VP8L header claims a size. Source: WebP Lossless Bitstream Specification, 3.4."""
    return data[:21] + struct.pack("<I", (width - 1) | (height - 1) << 14) + data[25:]


def _bmp_of_runs(width: int, height: int, kind: int, runs: bytes) -> bytes:
    """Return a BMP of run lengths; `kind` 1 has 8 bits a pixel, 2 has 4. Source: BITMAPINFOHEADER."""
    bits = {1: 8, 2: 4}[kind]
    palette = bytes(4 << bits)
    start = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, kind, len(runs), 0, 0, 1 << bits, 0)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + palette + runs


def _bmp_upside_down() -> bytes:
    """Return a BMP of negative height: its first row is the top one."""
    data = good_files()["bmp"]
    return data[:22] + struct.pack("<i", -HEIGHT) + data[26:]


def _overlapping_tags(count: int, size: int) -> bytes:
    """Return metadata whose `count` tags all claim the same `size` bytes. Source: TIFF 6.0, section 2."""
    entries = b"".join(struct.pack("<HHII", 0x1000 + index, 7, size, 8) for index in range(count))
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entries + bytes(4)).ljust(size + 8, b"\0")[:65_000]


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((4, 4, 3), np.uint8))
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("image.jpg", good_files()["jpeg"])
    return buffer.getvalue()
