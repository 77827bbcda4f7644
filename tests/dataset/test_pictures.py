"""What is kept of an image: a hash that survives compression, brightness, and a bounded gallery."""

import base64
import hashlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from components.dataset.images import decode_image, to_model_input
from components.dataset.pictures import Gallery, brightness, difference_hash, look_at
from tests.support.generated import image_bytes


def photo(seed):
    """Return a photo-like image: soft blobs of colour."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((96, 72), Image.Resampling.BICUBIC)


def encoded(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def hash_of(data):
    return look_at(data, 64, 32)[1].hash


def test_one_look_gives_what_separate_decodings_give():
    data = image_bytes(1, (90, 40))
    pixels, seen = look_at(data, 48, 32)
    np.testing.assert_array_equal(pixels, to_model_input(data, 48))
    grey = np.asarray(decode_image(data).convert("L"), float)
    assert seen.brightness == pytest.approx(grey.mean(), abs=1.0)
    assert seen.hash == difference_hash(pixels)
    assert seen.thumbnail.size == (32, 14)
    assert look_at(data, 16, 32)[1].thumbnail.size == (32, 14)
    assert look_at(data, 48, 200)[1].thumbnail.size == (90, 40), "never larger than the image"


@pytest.mark.parametrize(("level", "expected"), [((0, 0, 0), 0.0), ((255, 255, 255), 255.0), ((0, 255, 0), 149.685)])
def test_brightness_is_luma(level, expected):
    assert brightness(np.full((4, 4, 3), level, np.uint8)) == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize("seed", range(4))
def test_compressing_scaling_and_brightening_change_few_bits_of_the_hash(seed):
    image = photo(seed)
    original = hash_of(encoded(image, format="BMP"))
    changed = [
        encoded(image, format="JPEG", quality=50),
        encoded(image.resize((48, 36)), format="BMP"),
        encoded(ImageEnhance.Brightness(image).enhance(1.1), format="WEBP"),
    ]
    assert all((hash_of(data) ^ original).bit_count() <= 6 for data in changed)
    others = [hash_of(encoded(photo(other), format="BMP")) for other in range(100, 120)]
    assert min((other ^ original).bit_count() for other in others) > 10


def test_the_hash_reads_brightness_from_left_to_right():
    rising = np.repeat(np.arange(9, dtype=np.uint8)[None, :] * 20, 8, axis=0)[:, :, None].repeat(3, axis=2)
    assert difference_hash(rising) == 2**64 - 1
    assert difference_hash(rising[:, ::-1]) == difference_hash(np.zeros((8, 9, 3), np.uint8)) == 0


@settings(max_examples=25)
@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 6), st.integers(0, 6), st.randoms())
def test_a_gallery_keeps_the_worst_and_some_others_in_whatever_order_they_come(losses, worst, drawn, shuffled):
    offered = [(f"{i:02}", loss, hashlib.sha256(bytes([i])).hexdigest()) for i, loss in enumerate(losses)]

    def kept(rows):
        gallery = Gallery(worst, drawn)
        for name, loss, sha256 in rows:
            gallery.add(name, loss, sha256, Image.new("RGB", (1 + int(name), 1)))
        return gallery.thumbnails()

    once, again = kept(offered), kept(shuffled.sample(offered, len(offered)))
    assert once == again
    assert len(once) == min(len(losses), worst + drawn)
    widths = {name: decode_image(base64.b64decode(picture.partition(",")[2])).width for name, picture in once.items()}
    assert widths == {name: 1 + int(name) for name in once}
    ranked = sorted(((loss, name) for name, loss, _ in offered), reverse=True)
    assert {name for _, name in ranked[:worst]} <= set(once)
