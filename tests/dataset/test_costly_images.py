"""Files built to cost time are told from ordinary ones by their structure alone."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from components.dataset.costly_images import MAX_PARTS, MAX_SCANS, why_costly
from components.dataset.images import BadImage, image_size
from tests.support.generated_images import PICTURES, encoded
from tests.support.hostile_images import good_files, hostile_images, red_picture


@pytest.mark.parametrize("name", PICTURES)
def test_ordinary_pictures_are_not_costly(name):
    assert why_costly(PICTURES[name]()) is None


@pytest.mark.parametrize("name", good_files())
def test_what_follows_an_ordinary_picture_does_not_count(name):
    tail = b"\xff\xe1\0\2" * MAX_PARTS + bytes(20 * MAX_PARTS)
    assert why_costly(good_files()[name] + tail) is None


def test_a_large_camera_picture_with_much_metadata_is_not_costly():
    exif, profile = b"Exif\0\0" + bytes(60_000), bytes(5_000_000)
    picture = red_picture().resize((2000, 1500))
    for options in ({"progressive": True}, {"quality": 95}):
        assert why_costly(encoded(picture, "JPEG", exif=exif, icc_profile=profile, **options)) is None
    assert why_costly(encoded(picture, "PNG", compress_level=0)) is None


def test_costly_files_are_refused_with_their_header_read():
    costly = [image for image in hostile_images() if why_costly(image.body)]
    assert len(costly) == 12
    for image in costly:
        with pytest.raises(BadImage, match="more than"):
            image_size(image.body)


def test_scans_count_up_to_the_limit():
    data = encoded(Image.new("RGB", (16, 16)), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    more = MAX_SCANS - data.count(b"\xff\xda")
    within = data[:-2] + scan * more + data[-2:]
    assert why_costly(within) is None
    assert Image.open(io.BytesIO(within)).load() is not None
    assert "scans" in str(why_costly(data[:-2] + scan * (more + 1) + data[-2:]))


def test_what_follows_the_end_of_a_photo_has_no_scans():
    film = b"ftypmp42" + b"\xff\xda\x00\x08" * (MAX_SCANS + 1)
    for options in ({}, {"progressive": True}, {"restart_marker_rows": 1}, {"comment": b"\xff\xd9\xff\xda" * 100}):
        photo = encoded(red_picture().resize((640, 480)), "JPEG", quality=92, **options)
        assert why_costly(photo + film) is None
        assert image_size(photo + film) == (640, 480)


@given(
    end=st.binary(max_size=8), fill=st.integers(0, 3), between=st.sampled_from([b"", b"\x00", b"\xff\xe1\0\4\xff\xd9"])
)
def test_no_end_that_libjpeg_does_not_see_hides_scans(end, fill, between):
    data = encoded(Image.new("RGB", (16, 16)), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    scans = b"".join(between + b"\xff" * fill + scan for _ in range(MAX_SCANS))
    assert "scans" in str(why_costly(data[:-2] + scans + b"\xff\xd9" + end))


@given(start=st.sampled_from([b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF"]), rest=st.binary())
def test_short_files_are_never_costly(start, rest):
    assert why_costly(start + rest) is None
