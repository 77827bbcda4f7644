"""What a network does not see of an image is told, and looking for it fails on none that can be decoded."""

import io
from contextlib import suppress

import pytest
from PIL import Image

from components.dataset.images import BadImage, decoded, open_image
from components.dataset.unseen import ANIMATED, TRANSPARENT, unseen_of
from tests.support.generated_images import encoded
from tests.support.hostile_images import hostile_images

CLEAR = Image.new("RGBA", (8, 6), (200, 10, 10, 0))
SEEN = Image.new("RGBA", (8, 6), (200, 10, 10, 1))


def looked_at(data: bytes) -> str:
    with open_image(data) as image:
        decoded(image)
        return unseen_of(image)


def frames(format: str) -> bytes:
    file = io.BytesIO()
    others = [Image.new("RGB", (8, 6), colour) for colour in ("green", "blue")]
    Image.new("RGB", (8, 6), "red").save(file, format, save_all=True, append_images=others)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (encoded(CLEAR, "PNG"), TRANSPARENT),
        (encoded(CLEAR, "WEBP", lossless=True), TRANSPARENT),
        (encoded(CLEAR.convert("LA"), "PNG"), TRANSPARENT),
        (encoded(Image.new("P", (8, 6), 0), "PNG", transparency=0), TRANSPARENT),
        (encoded(Image.new("RGB", (8, 6), "red"), "PNG", transparency=(255, 0, 0)), TRANSPARENT),
        (encoded(SEEN, "PNG"), ""),
        (encoded(Image.new("P", (8, 6), 0), "PNG", transparency=1), ""),
        (encoded(Image.new("RGB", (8, 6)), "JPEG"), ""),
        (frames("PNG"), ANIMATED),
        (frames("WEBP"), ANIMATED),
    ],
    ids=range(10),
)
def test_it_is_told(data: bytes, said: str) -> None:
    assert looked_at(data) == said


def test_looking_fails_on_none_that_can_be_decoded() -> None:
    readable = 0
    for sent in hostile_images():
        with suppress(BadImage):
            looked_at(sent.body)
            readable += 1
    assert readable > 5
