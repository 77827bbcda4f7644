"""Decoding: every normal image comes out right, every other one ends as BadImage and costs little."""

import base64
import io
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.dataset import images
from components.dataset.images import (
    FORMATS,
    MAX_PIXELS,
    MAX_SIDE,
    BadImage,
    decode_image,
    image_size,
    thumbnail,
    to_model_input,
)
from tests.support import generated_images
from tests.support.generated_images import HEIGHT, PICTURES, QUARTERS, WIDTH, camera_exif, encoded, quarters

# Pillow says what is odd about metadata; pytest undoes the filter that components.dataset.images sets.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

ENCODED = {name: encode() for name, encode in PICTURES.items()}
PHOTO = Image.fromarray(np.random.default_rng(7).integers(0, 256, (37, 53, 3), dtype=np.uint8))


def centres(image: Image.Image) -> np.ndarray:
    """Return the colours in the middle of the four quarters, int [4, 3]."""
    x, y = image.width, image.height
    places = [(x // 4, y // 4), (3 * x // 4, y // 4), (x // 4, 3 * y // 4), (3 * x // 4, 3 * y // 4)]
    return np.array([image.getpixel(place) for place in places])


def assert_shows_the_quarters(image: Image.Image, tolerance: int = 12) -> None:
    assert (image.mode, image.size) == ("RGB", (WIDTH, HEIGHT))
    assert np.abs(centres(image) - np.array(QUARTERS)).max() <= tolerance


def assert_bad(data: bytes, saying: str | None = None) -> None:
    with pytest.raises(BadImage, match=saying) as caught:
        decode_image(data)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def is_image_or_bad(data: bytes) -> bool:
    """Tell whether `data` is an image; any exception but a BadImage of one line fails the test."""
    message = ""
    try:
        assert decode_image(data).mode == "RGB"
    except BadImage as error:
        message = str(error)
    assert message.isprintable()
    return not message


# Normal input


@pytest.mark.parametrize("name", [name for name in PICTURES if "turned" not in name])
def test_every_normal_image_is_the_same_picture(name: str) -> None:
    image = decode_image(ENCODED[name])
    assert_shows_the_quarters(image)
    assert image_size(ENCODED[name]) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_upright(orientation: int, format: str) -> None:
    # What a camera stores: the upright picture, turned back from each orientation of Exif 2.3.
    stored = {
        1: lambda image: image,
        2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda image: image.rotate(180),
        4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
        6: lambda image: image.rotate(90, expand=True),
        7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
        8: lambda image: image.rotate(-90, expand=True),
    }[orientation](quarters())
    lossless = {"quality": 95, "subsampling": 0} if format == "JPEG" else {"lossless": True}
    assert_shows_the_quarters(decode_image(encoded(stored, format, exif=camera_exif(orientation), **lossless)))


def test_the_stored_size_is_not_the_upright_one() -> None:
    data = encoded(quarters(), "PNG", exif=camera_exif(6))
    assert image_size(data) == (WIDTH, HEIGHT)
    assert decode_image(data).size == (HEIGHT, WIDTH)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int) -> None:
    assert_shows_the_quarters(decode_image(encoded(quarters(), "PNG", exif=camera_exif(orientation))))


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"nonsense", b"\xff" * 500])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_damaged_metadata_does_not_spoil_good_pixels(exif: bytes, format: str) -> None:
    assert_shows_the_quarters(decode_image(encoded(quarters(), format, exif=exif)), tolerance=80)


def test_other_damaged_tags_do_not_keep_a_photo_from_being_turned() -> None:
    # A camera model stored with the type of a number: Pillow reads it, but could not write it.
    whole = camera_exif(6).tobytes()
    tag = whole.index(b"\x01\x0f\x00\x02") if b"\x01\x0f\x00\x02" in whole else whole.index(b"\x0f\x01\x02\x00")
    for kind in (b"\x00\x04", b"\x04\x00"):
        damaged = whole[: tag + 2] + kind + whole[tag + 4 :]
        assert decode_image(encoded(quarters(), "JPEG", exif=damaged)).size == (HEIGHT, WIDTH)


def test_grey_of_8_and_16_bits_is_the_same_grey() -> None:
    grey = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    eight = encoded(Image.fromarray(grey), "PNG")
    sixteen = encoded(Image.fromarray(grey.astype(np.uint16) * 257), "PNG")
    for data in (eight, sixteen, encoded(Image.fromarray(grey), "BMP")):
        assert np.array_equal(np.asarray(decode_image(data)), np.stack([grey] * 3, axis=-1))


@pytest.mark.parametrize("colour_type", [0, 2, 4, 6], ids=["grey", "rgb", "grey alpha", "rgb alpha"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_pictures_that_use_few_of_16_bits_do_not_come_out_black_without_a_word(colour_type: int, bits: int) -> None:
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type]
    pixels = np.tile(np.linspace(0, 2**bits - 1, 32).astype(np.uint16)[None, :, None], (4, 1, channels))
    if colour_type in (4, 6):
        pixels[..., -1] = 65535
    data = generated_images.png(pixels, colour_type)
    if bits <= 12:
        assert_bad(data, "uses the lower 12 or fewer")
    else:
        assert np.asarray(decode_image(data)).max() == (2**bits - 1) >> 8


def test_a_black_picture_of_16_bits_is_black() -> None:
    for pixels in (np.zeros((4, 4), np.uint16), np.zeros((4, 4), np.uint16) + 4096):
        assert np.asarray(decode_image(encoded(Image.fromarray(pixels), "PNG"))).max() == pixels.max() >> 8


def test_grey_jpeg_is_grey_rgb() -> None:
    pixels = np.asarray(decode_image(encoded(Image.new("L", (8, 8), 100), "JPEG")))
    assert (pixels == 100).all()


def test_black_and_white_is_black_and_white() -> None:
    image = Image.new("1", (10, 4))
    image.paste(1, (5, 0, 10, 4))
    for format in ("PNG", "BMP"):
        pixels = np.asarray(decode_image(encoded(image, format)))
        assert (pixels[:, :5] == 0).all()
        assert (pixels[:, 5:] == 255).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_is_white(mode: str) -> None:
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    image.putpixel((2, 0), (0, 0, 0, 255))
    data = encoded(image.convert("LA") if mode == "LA" else image.quantize(4) if mode == "PA" else image, "PNG")
    grey = [decode_image(data).getpixel((x, 0))[0] for x in range(3)]
    assert grey[0] == 255
    assert grey[2] == 0
    assert 0 < grey[1] < 255
    assert mode == "PA" or abs(grey[1] - 127) <= 1


def test_a_transparent_colour_of_palette_and_rgb_is_white() -> None:
    palette = quarters().quantize(8)
    clear = palette.getpixel((0, 0))
    for data in (encoded(palette, "PNG", transparency=clear), encoded(quarters(), "PNG", transparency=QUARTERS[0])):
        shown = centres(decode_image(data))
        assert (shown[0] == 255).all()
        assert np.abs(shown[1:] - np.array(QUARTERS[1:])).max() <= 12


def test_a_transparent_webp_is_laid_on_white() -> None:
    image = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    assert decode_image(encoded(image, "WEBP", lossless=True)).getpixel((4, 4)) == (255, 255, 255)


def test_rgb_of_16_bits_with_alpha_is_laid_on_white() -> None:
    pixels = np.full((4, 4, 4), 65535, np.uint16) * np.array([1, 0, 0, 0], np.uint16)
    assert decode_image(generated_images.png(pixels, 6)).getpixel((1, 1)) == (255, 255, 255)


def test_a_wrong_extension_does_not_matter_as_content_decides() -> None:
    assert_shows_the_quarters(decode_image(ENCODED["bmp"]), 0)


# What a network sees


@pytest.mark.parametrize("size", [1, 32, 224])
def test_the_model_input_is_what_pillow_s_antialiased_bilinear_gives(size: int) -> None:
    data = encoded(PHOTO, "PNG")
    made = to_model_input(data, size)
    expected = np.asarray(PHOTO.resize((size, size), Image.Resampling.BILINEAR))
    assert (made.dtype, made.shape) == (np.uint8, (size, size, 3))
    assert np.array_equal(made, expected)
    assert np.array_equal(made, to_model_input(data, size))


def test_the_model_input_averages_when_it_shrinks() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    made = to_model_input(encoded(Image.fromarray(stripes), "PNG"), 4)
    assert np.abs(made.astype(int) - 127).max() <= 6, "without antialiasing it would be black or white"


def test_the_model_input_is_upright_rgb_of_a_turned_photo() -> None:
    stored = quarters().rotate(90, expand=True)
    made = to_model_input(encoded(stored, "PNG", exif=camera_exif(6)), 16)
    assert np.abs(made[3, 3].astype(int) - QUARTERS[0]).max() == 0
    assert np.abs(made[12, 12].astype(int) - QUARTERS[3]).max() == 0


def test_a_thumbnail_is_a_small_webp_of_the_same_shape() -> None:
    uri = thumbnail(encoded(PHOTO.resize((530, 370)), "PNG"), 72)
    assert uri.startswith("data:image/webp;base64,")
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        assert (image.format, image.size) == ("WEBP", (72, 50))


# Refused input

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(/etc/passwd) (r) file\n%%EOF\n"
PSD = b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\x10\0\0\0\x10\0\x08\0\3" + bytes(1000)


@pytest.mark.parametrize(
    "data",
    [
        *(
            encoded(quarters(), format)
            for format in ("GIF", "TIFF", "ICO", "TGA", "PPM", "JPEG2000", "PDF", "ICNS", "EPS")
        ),
        *(
            SVG,
            EPS,
            PSD,
            b"<html></html>",
            b"file,label\n",
            b"PK\3\4" + bytes(100),
            b"\0" * 1000,
            b"BM",
            b"RIFF",
            b"\xff\xd8",
        ),
    ],
    ids=lambda data: repr(data[:8]),
)
def test_other_formats_are_refused(data: bytes) -> None:
    assert_bad(data, "is not a readable JPEG, PNG, WebP or BMP image")


def test_nothing_is_empty() -> None:
    assert_bad(b"", "is empty")


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("percent", range(0, 100, 5))
def test_truncated_images_are_bad_or_all_there(name: str, percent: int) -> None:
    data = ENCODED[name]
    truncated = data[: len(data) * percent // 100]
    if is_image_or_bad(truncated):
        # Metadata may lie behind the pixels; what decodes must then be the whole picture.
        assert np.array_equal(np.asarray(decode_image(truncated)), np.asarray(decode_image(data)))


def test_a_truncated_photo_is_never_half_a_photo() -> None:
    for format in FORMATS:
        data = encoded(PHOTO, format)
        for percent in range(0, 95, 5):
            assert_bad(data[: len(data) * percent // 100])


@given(st.binary(max_size=400))
def test_random_bytes_are_bad(data: bytes) -> None:
    assert not is_image_or_bad(data)


@settings(max_examples=300)
@given(st.sampled_from(sorted(PICTURES)), st.binary(max_size=300))
def test_bytes_behind_a_real_beginning_are_an_image_or_bad(name: str, rest: bytes) -> None:
    for kept in (8, 16, 30, 60):
        is_image_or_bad(ENCODED[name][:kept] + rest)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real image with some bytes changed, most of them in the headers, some cut out."""
    data = bytearray(ENCODED[draw(st.sampled_from(sorted(PICTURES)))])
    for _ in range(draw(st.integers(1, 8))):
        where = draw(st.one_of(st.integers(0, min(len(data), 200) - 1), st.integers(0, len(data) - 1)))
        data[where] = draw(st.one_of(st.sampled_from([0, 1, 127, 128, 255]), st.integers(0, 255)))
    start = draw(st.integers(0, len(data)))
    return bytes(data[:start] + data[start + draw(st.sampled_from([0, 0, 0, 1, 4, 100])) :])


@settings(max_examples=800)
@given(damaged())
def test_damaged_images_are_images_or_bad(data: bytes) -> None:
    is_image_or_bad(data)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_a_bomb_in_the_metadata_of_a_png_does_not_burst(kind: bytes) -> None:
    start = {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"iTXt": b"a\0\1\0\0\0"}[kind]
    bomb = start + zlib.compress(bytes(200 << 20), 9)
    chunk = len(bomb).to_bytes(4, "big") + kind + bomb + zlib.crc32(kind + bomb).to_bytes(4, "big")
    data = ENCODED["png"]
    before = peak_of_decoding_in_a_process(data)
    assert peak_of_decoding_in_a_process(data[:33] + chunk + data[33:])[0] - before[0] < 64 << 20


# Bombs

DECODE = """
import sys
from components.dataset.images import BadImage, decode_image

def peak():  # Not ru_maxrss: a child inherits that of whoever started it.
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

data = sys.stdin.buffer.read()
before = peak()
try:
    decode_image(data)
    verdict = "an image"
except BadImage as error:
    verdict = str(error)
print(1024 * (peak() - before), verdict)
"""


def peak_of_decoding_in_a_process(data: bytes) -> tuple[int, str]:
    """Return by how many bytes decoding `data` raised a fresh process's peak memory, and what came of it."""
    done = subprocess.run([sys.executable, "-c", DECODE], input=data, capture_output=True, check=True)
    peak, _, verdict = done.stdout.decode().strip().partition(" ")
    return int(peak), verdict


@pytest.mark.parametrize(
    "name",
    [
        "png of 13300 x 13300",
        "webp of 16000 x 16000",
        "bmp of 13300 x 13300",
        "bmp of 7000 x 7000",
        "png of 2^31 x 2^31",
    ],
)
def test_a_bomb_is_bad_and_costs_less_than_64_mebibytes(name: str) -> None:
    bombs = {
        "png of 13300 x 13300": lambda: generated_images.png_bomb(13300, 13300),
        "webp of 16000 x 16000": lambda: generated_images.webp_of_claimed_size(16000, 16000),
        "bmp of 13300 x 13300": lambda: generated_images.bmp_of_claimed_size(13300, 13300),
        "bmp of 7000 x 7000": lambda: generated_images.bmp_of_claimed_size(7000, 7000),
        "png of 2^31 x 2^31": lambda: (
            generated_images.png_bomb(2**31 - 1, 0)[:16] + b"\x7f\xff\xff\xff" * 2 + bytes(50)
        ),
    }
    data = bombs[name]()
    assert len(data) < 600_000
    peak, verdict = peak_of_decoding_in_a_process(data)
    assert verdict != "an image"
    assert peak < 64 << 20


def test_the_canvas_of_an_animated_webp_is_refused_before_pillow_allocates_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two gigabytes of address space, which a limited container may not have.
    monkeypatch.setattr(Image, "open", lambda *args, **options: pytest.fail("Pillow was asked to open it"))
    assert_bad(generated_images.webp_of_claimed_size(16000, 16000), "16000 x 16000 pixels")


def test_the_measurement_sees_an_image_that_is_large_and_legal() -> None:
    peak, verdict = peak_of_decoding_in_a_process(generated_images.png_bomb(6000, 6000))
    assert verdict == "an image"
    assert peak > 64 << 20


def test_a_lower_limit_holds_before_anything_is_decoded() -> None:
    data = encoded(PHOTO, "PNG")
    assert image_size(data, 53 * 37) == (53, 37)
    for read in (image_size, decode_image):
        with pytest.raises(BadImage, match=f"53 x 37 pixels, more than the limit of {53 * 37 - 1}"):
            read(data[:60], 53 * 37 - 1)


def test_the_limit_is_a_limit_on_pixels() -> None:
    assert_bad(generated_images.bmp_of_claimed_size(MAX_PIXELS // 1000, 1001), f"more than the limit of {MAX_PIXELS}")
    assert image_size(generated_images.bmp_of_claimed_size(MAX_PIXELS // 1000, 1000)) == (MAX_PIXELS // 1000, 1000)


DECODE_IN_THREADS = """
import sys, warnings
from concurrent.futures import ThreadPoolExecutor
from components.dataset.images import decode_image
data = sys.stdin.buffer.read()
filters = list(warnings.filters)
with ThreadPoolExecutor(8) as pool:
    list(pool.map(decode_image, [data] * 200))
print(warnings.filters == filters)
"""


def test_odd_metadata_warns_nobody_and_threads_leave_the_warnings_as_they_were() -> None:
    data = encoded(quarters(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff")
    done = subprocess.run([sys.executable, "-c", DECODE_IN_THREADS], input=data, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"True\n", b"")


@pytest.mark.parametrize("tile", [1, 7, 16])
def test_the_size_of_tiles_changes_no_pixel(tile, monkeypatch):
    noise = np.random.default_rng(3).integers(0, 256, (33, 50, 4), np.uint8)
    pictures = [Image.fromarray(noise), Image.fromarray(noise[..., :2].copy(), "LA")]
    pictures += [Image.fromarray(noise[..., 0].astype(np.uint16) * 256), Image.fromarray(noise[..., :3].copy())]
    files = [encoded(picture, "PNG") for picture in pictures]
    files.append(encoded(pictures[-1].quantize(64), "PNG", transparency=bytes(range(64))))
    whole = [np.asarray(decode_image(data)) for data in files]
    monkeypatch.setattr(images, "TILE", tile)
    for data, expected in zip(files, whole, strict=True):
        np.testing.assert_array_equal(np.asarray(decode_image(data)), expected)


@pytest.mark.parametrize("size", [(1, MAX_SIDE + 1), (MAX_SIDE + 1, 1)])
@pytest.mark.parametrize("format", ["PNG", "BMP"])
def test_a_side_is_limited_too(size, format):
    buffer = io.BytesIO()
    Image.new("L", size).save(buffer, format)
    for read in (image_size, decode_image, lambda data: to_model_input(data, 8)):
        with pytest.raises(BadImage, match=f"limit of {MAX_SIDE} a side"):
            read(buffer.getvalue())


def test_the_longest_side_is_no_more_than_that():
    buffer = io.BytesIO()
    Image.new("L", (1, MAX_SIDE)).save(buffer, "PNG")
    assert to_model_input(buffer.getvalue(), 8).shape == (8, 8, 3)
