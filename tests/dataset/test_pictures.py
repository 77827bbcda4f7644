"""What is kept of an image: its look, its brightness, and a bounded gallery."""

import base64
import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.dataset.images import decode_image, to_model_input
from components.dataset.looks import look_of
from components.dataset.pictures import Gallery, brightness, look_at
from tests.support.generated import image_bytes


def test_one_look_gives_what_separate_decodings_give():
    data = image_bytes(1, (90, 40))
    pixels, seen = look_at(data, 48, 32)
    np.testing.assert_array_equal(pixels, to_model_input(data, 48))
    grey = np.asarray(decode_image(data).convert("L"), float)
    assert seen.brightness == pytest.approx(grey.mean(), abs=1.0)
    np.testing.assert_array_equal(seen.look, look_of(decode_image(data)))
    assert seen.thumbnail.size == (32, 14)
    assert look_at(data, 16, 32)[1].thumbnail.size == (32, 14)
    assert look_at(data, 48, 200)[1].thumbnail.size == (90, 40), "never larger than the image"


@pytest.mark.parametrize(("level", "expected"), [((0, 0, 0), 0.0), ((255, 255, 255), 255.0), ((0, 255, 0), 149.685)])
def test_brightness_is_luma(level, expected):
    assert brightness(np.full((4, 4, 3), level, np.uint8)) == pytest.approx(expected, abs=0.5)


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
