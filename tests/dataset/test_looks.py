"""What is compared of an image depends on its picture alone, not on how it was decoded."""

import io

import numpy as np
from PIL import Image

from components.dataset.images import decode_image
from components.dataset.looks import LOOK_BYTES, look_at_file, look_of
from tests.support.copies import photo


def test_a_large_jpeg_decoded_smaller_looks_the_same():
    buffer = io.BytesIO()
    photo(3, (1600, 1200)).save(buffer, "JPEG", quality=90)
    small, whole = look_at_file(buffer.getvalue()), look_of(decode_image(buffer.getvalue()))
    assert small.shape == whole.shape == (LOOK_BYTES,)
    assert np.abs(small.astype(int) - whole).max() <= 4


def test_a_picture_of_one_pixel_has_a_look():
    assert set(look_of(Image.new("RGB", (1, 1), (128, 128, 128)))) == {128}
