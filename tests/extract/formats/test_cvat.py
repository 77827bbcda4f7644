"""CVAT for images: tags, boxes, subsets, shapes that are not read, and XML that means harm."""

import pytest

from components.extract.annotations import Annotation, Box
from components.extract.formats.cvat import read_cvat
from tests.support.annotation_files import refusal
from tests.support.exports import cvat, cvat_image, cvat_tag

BOX = '<box label="cat" source="manual" occluded="0" xtl="1.50" ytl="2.00" xbr="5.50" ybr="10.00" z_order="0"/>'


def test_tags_are_classes_of_images_and_boxes_are_boxes() -> None:
    found = read_cvat(cvat(cvat_image("a.png", cvat_tag("cat")), cvat_image("sub/b.png", BOX), cvat_image("c.png")))
    assert found.annotations == [Annotation("a.png", "cat"), Annotation("sub/b.png", "cat", box=Box(1.5, 2, 4, 8))]
    assert found.notes == ["Images without a tag or box: c.png (1 in all)."]


def test_two_tags_are_two_classes() -> None:
    found = read_cvat(cvat(cvat_image("a.png", cvat_tag("cat"), cvat_tag("dog"))))
    assert [str(bad) for bad in found.bad] == ["a.png is cat and dog at once"]


def test_subsets_are_the_given_split() -> None:
    images = [cvat_image(f"{name}.png", cvat_tag("cat"), subset=name) for name in ("Train", "val", "Test", "rest")]
    found = read_cvat(cvat(*images))
    assert [a.split for a in found.annotations] == ["train", "validation", "test", ""]
    assert found.given_split == "the subsets of CVAT are test, train, validation"


def test_other_shapes_are_named() -> None:
    polygon = '<polygon label="cat" points="1,2;3,4;5,6" occluded="0"/>'
    found = read_cvat(cvat(cvat_image("a.png", polygon, polygon)))
    assert "Shapes that are no boxes and were not read: polygon (2) (1 in all)." in found.notes


@pytest.mark.parametrize(
    "text",
    [
        "<annotations><version>1.1</version><track id='0' label='cat'><box frame='0'/></track></annotations>",
        cvat(cvat_image("a.png"), cvat_image("a.png")),
        cvat(cvat_image("../a.png")),
        cvat('<image id="0" width="3" height="4"/>'),
        cvat(cvat_image("a.png", "<tag/>")),
        cvat(cvat_image("a.png", '<tag label=""/>')),
        cvat(cvat_image("a.png", BOX.replace("1.50", "x"))),
        cvat(cvat_image("a.png", BOX.replace("5.50", "1.50"))),
        cvat(cvat_image("a.png", BOX.replace("5.50", "inf"))),
        cvat(cvat_image("a.png", BOX.replace("5.50", "nan"))),
        cvat(cvat_image("a.png", BOX.replace("/>", ' rotation="30"/>'))),
        cvat(cvat_image("a.png")).replace("<annotations>", "<!DOCTYPE annotations []><annotations>"),
        cvat(cvat_image("a.png")).replace("annotations>", "other>"),
        cvat("<a>" * 99 + "</a>" * 99),
        cvat(cvat_image("a.png"))[:-5],
        cvat(cvat_image("a&lol;.png")),
        cvat(cvat_image("a\ud800.png")),
        "",
    ],
    ids=range(18),
)
def test_what_is_damaged_or_means_harm_is_refused(text: str) -> None:
    refusal(read_cvat, text)
