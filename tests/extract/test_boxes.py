"""Boxes within images: refused, cut out as images of their own, or labels of the whole images."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.dataset.images import decode_image
from components.extract.annotations import Annotation, AnnotationSet, Box
from components.extract.boxes import crop_name, photo_of, without_boxes
from tests.support.exports import coco, coco_annotation, cvat, cvat_image
from tests.support.extraction import assert_refused, extract_arguments, run_extract
from tests.support.generated import image_bytes, write_files

CAT, DOG = coco_annotation(0, 0, [2, 3, 10.5, 8], 1), coco_annotation(0, 1, [0, 0, 5, 5], 2)
OTHER = coco_annotation(1, 1, [1, 1, 100, 100], 3)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    write_files(tmp_path / "photos", {"a.png": image_bytes(1), "b.png": image_bytes(2)})
    return tmp_path / "photos"


def extracted(tmp_path: Path, photos: Path, export: str, **options: object):
    (tmp_path / "export").write_text(export)
    return run_extract(extract_arguments(tmp_path, tmp_path / "export", photos, tmp_path / "store", **options))


def test_boxes_are_refused_unasked(tmp_path: Path, photos: Path) -> None:
    assert_refused(
        extracted(tmp_path, photos, json.dumps(coco(CAT, DOG, OTHER))), 1, "3 boxes in 2 images", "boxes=crop"
    )


def test_a_crop_is_an_image_of_its_own_in_the_group_of_its_photo(tmp_path: Path, photos: Path) -> None:
    dataset = extracted(tmp_path, photos, json.dumps(coco(CAT, DOG, OTHER)), boxes="crop").dataset()
    samples = dataset.samples()
    assert [(s.sample_id, s.label, s.group, s.width, s.height) for s in samples] == [
        ("a.png#xywh=0,0,5,5", "dog", "a.png", 5, 5),
        ("a.png#xywh=2,3,11,8", "cat", "a.png", 11, 8),
        ("b.png#xywh=1,1,100,100", "dog", "b.png", 23, 15),
    ]
    pixels = {sample.sample_id: np.asarray(decode_image(data)) for sample, data in dataset.images(samples)}
    whole = np.asarray(decode_image((photos / "a.png").read_bytes()))
    assert np.array_equal(pixels["a.png#xywh=2,3,11,8"], whole[3:11, 2:13])


def test_the_pattern_for_groups_sees_the_photo(tmp_path: Path, photos: Path) -> None:
    outcome = extracted(
        tmp_path, photos, json.dumps(coco(CAT, DOG, OTHER)), boxes="crop", group_pattern=r"^(?P<g>.+)\.png$"
    )
    assert {sample.group for sample in outcome.dataset().samples()} == {"a", "b"}


def test_whole_images_take_the_class_of_their_boxes_if_it_is_one(tmp_path: Path, photos: Path) -> None:
    export = json.dumps(coco(CAT, {**CAT, "bbox": [0, 0, 3, 3]}, OTHER))
    samples = extracted(tmp_path, photos, export, boxes="whole").dataset().samples()
    assert [(s.sample_id, s.label) for s in samples] == [("a.png", "cat"), ("b.png", "dog")]
    assert_refused(
        extracted(tmp_path, photos, json.dumps(coco(CAT, DOG, OTHER)), boxes="whole"), 1, "cat and dog at once"
    )


def test_a_box_without_a_pixel_of_its_image_is_a_bad_sample(tmp_path: Path, photos: Path) -> None:
    outside = cvat_image("a.png", '<box label="cat" xtl="24" ytl="3" xbr="30" ybr="9"/>')
    inside = cvat_image(
        "b.png", *(f'<box label="{name}" xtl="0" ytl="0" xbr="{at}" ybr="9"/>' for name, at in (("cat", 3), ("dog", 4)))
    )
    export = cvat(outside, inside)
    assert_refused(extracted(tmp_path, photos, export, boxes="crop"), 1, "has a box without a pixel of its 24 x 16")
    left = extracted(tmp_path, photos, export, boxes="crop", on_bad_sample="drop").dataset().samples()
    assert {photo_of(sample.sample_id) for sample in left} == {"b.png"}


def test_crops_of_a_photo_that_is_missing_or_broken_are_named(tmp_path: Path, photos: Path) -> None:
    (photos / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    outcome = extracted(tmp_path, photos, json.dumps(coco(CAT, DOG, OTHER)), boxes="crop")
    assert_refused(outcome, 1, "a.png#xywh=2,3,11,8 is not a readable")
    (photos / "a.png").unlink()
    outcome = extracted(tmp_path, photos, json.dumps(coco(CAT, DOG, OTHER)), boxes="crop")
    assert_refused(outcome, 1, "a.png#xywh=2,3,11,8 is missing")


def test_hundredths_are_of_the_image(tmp_path: Path, photos: Path) -> None:
    export = "ImageID,LabelName,XMin,XMax,YMin,YMax\na,cat,0.5,1,0,0.5\nb,dog,0,0.25,0,1\n"
    samples = extracted(tmp_path, photos, export, boxes="crop").dataset().samples()
    assert [(s.sample_id, s.width, s.height) for s in samples] == [
        ("a.png#xywh=percent:50,0,50,50", 12, 8),
        ("b.png#xywh=percent:0,0,25,100", 6, 16),
    ]


def test_labels_of_whole_images_beside_boxes_are_named() -> None:
    both = AnnotationSet("x", [Annotation("a.png", "cat"), Annotation("b.png", "dog", box=Box(0, 0, 3, 3))])
    assert (
        "Labels of whole images that do not count beside boxes: a.png (1 in all)." in without_boxes(both, "crop").notes
    )


def test_the_same_box_twice_is_one_and_under_two_labels_is_disputed(tmp_path: Path, photos: Path) -> None:
    samples = extracted(tmp_path, photos, json.dumps(coco(CAT, CAT, DOG, OTHER)), boxes="crop").dataset().samples()
    assert len(samples) == 3
    two = json.dumps(coco(CAT, {**CAT, "category_id": 1}, DOG, OTHER))
    assert_refused(extracted(tmp_path, photos, two, boxes="crop"), 1, "a.png#xywh=2,3,11,8 is cat and dog")


def test_a_name_that_leaves_no_room_for_a_box_is_bad() -> None:
    boxed = AnnotationSet("x", [Annotation("a" * 250, "cat", box=Box(0, 0, 30, 30))])
    assert [bad.detail for bad in without_boxes(boxed, "crop").bad] == ["has a box, for which it is too long"]


def test_a_crop_is_called_by_the_pixels_that_hold_it() -> None:
    assert crop_name("a#b.png", Box(1.2, -3, 2.5, 9)) == "a#b.png#xywh=1,0,3,6"
    assert photo_of("a#b.png#xywh=1,0,3,6") == "a#b.png"
    assert photo_of("a#b.png") == "a#b.png"


@pytest.mark.parametrize("choice", ["", "CROP", "crops", "no\nne"])
def test_another_choice_is_refused(choice: str, tmp_path: Path, photos: Path) -> None:
    assert_refused(extracted(tmp_path, photos, json.dumps(coco(CAT)), boxes=choice), 2, "refuse, crop, whole")
