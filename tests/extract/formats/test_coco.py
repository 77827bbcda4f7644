"""COCO: classes of images, boxes, and ids that lead nowhere."""

import json
import math

import pytest

from components.extract.annotations import Annotation, Box
from components.extract.bad_samples import MUST_BE_OF_ONE_CLASS
from components.extract.formats.coco import read_coco
from tests.support.annotation_files import refusal
from tests.support.exports import coco, coco_annotation


def read(*annotations, **more):
    return read_coco(json.dumps(coco(*annotations, **more)))


@pytest.mark.parametrize("box", [None, [], [0, 0, 0, 0], [0, 0, 24, 16], [-0.5, 0, 24.5, 16.2]])
def test_an_annotation_without_a_box_or_with_the_whole_image_is_one_of_the_image(box: list[float] | None) -> None:
    found = read(coco_annotation(0, 0, box), coco_annotation(1, 1, box))
    assert found.annotations == [Annotation("a.png", "cat"), Annotation("b.png", "dog")]


def test_a_box_is_kept_as_it_is_and_other_images_are_named() -> None:
    found = read(coco_annotation(0, 0, [1.5, 2, 3, 4]))
    assert found.annotations == [Annotation("a.png", "cat", box=Box(1.5, 2, 3, 4))]
    assert found.notes == ["Images without an annotation: b.png (1 in all)."]


def test_an_image_of_two_classes_is_bad_and_of_one_class_twice_is_not() -> None:
    found = read(*(coco_annotation(0, 0), coco_annotation(0, 1)), *(coco_annotation(1, 1), coco_annotation(1, 1)))
    assert found.annotations == [Annotation("b.png", "dog")]
    assert [(bad.rule, str(bad)) for bad in found.bad] == [(MUST_BE_OF_ONE_CLASS, "a.png is cat and dog at once")]


def test_a_crowd_is_no_box() -> None:
    found = read(coco_annotation(0, 0), coco_annotation(0, 1, [0, 0, 9, 9]) | {"iscrowd": 1})
    assert found.annotations == [Annotation("a.png", "cat")]
    assert "1 box of a crowd did not count." in found.notes


@pytest.mark.parametrize("side", ["bbox", "ids"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1, 0, "3", None, True, [], 1e300, 10**400])
def test_damaged_boxes_and_ids_are_refused(side: str, value: object) -> None:
    said = coco_annotation(0, 0, [1, 2, 3, 4])
    said |= {"bbox": [1, 2, value, 4]} if side == "bbox" else {"image_id": 7 if value in (0, True) else value}
    refusal(read_coco, json.dumps(coco(said)))


@pytest.mark.parametrize(
    "more",
    [
        {"categories": []},
        {"categories": [{"id": 0, "name": "cat"}, {"id": 0, "name": "dog"}]},
        {"categories": [{"id": 0, "name": "\0"}]},
        {"categories": [{"id": [], "name": "cat"}]},
        {"categories": [{"id": 0}]},
        {"images": [{"id": 0, "file_name": "a.png"}, {"id": 0, "file_name": "b.png"}]},
        {"images": [{"id": 0, "file_name": "../a.png"}]},
        {"images": [{"id": 0}]},
        {"images": {}},
        {"annotations": None},
        {"annotations": [coco_annotation(0, 0), 1]},
        {"annotations": [{"id": 1, "file_name": "a.png"}]},
    ],
)
def test_damaged_lists_are_refused(more: dict[str, object]) -> None:
    refusal(read_coco, json.dumps(coco(coco_annotation(0, 0), **more)))


def test_the_outlines_of_a_large_export_do_not_stay() -> None:
    said = coco_annotation(0, 0) | {"segmentation": [[float(i) for i in range(10_000)]]}
    assert read(said).annotations == [Annotation("a.png", "cat")]
