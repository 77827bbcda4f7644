"""ImageFolder's metadata, Open Images, and the class folders of Roboflow and Ultralytics."""

import pytest

from components.extract.annotations import Annotation, Box
from components.extract.formats.folders import read_folders
from components.extract.formats.image_folder import read_image_folder
from components.extract.formats.open_images import read_open_images
from tests.support.annotation_files import refusal


@pytest.mark.parametrize(
    ("text", "annotations"),
    [
        ("file_name,label\na.png,cat\n", [Annotation("a.png", "cat", "line 2")]),
        ("file_name,label,group\na.png,cat,doc\n", [Annotation("a.png", "cat", "line 2", 0, "doc")]),
        ('{"file_name": "a.png", "label": "cat"}\n\n', [Annotation("a.png", "cat", "line 1")]),
        ('{"file_name": "a.png", "label": 3}', [Annotation("a.png", "3", "line 1")]),
        ('{"file_name": "a.png", "class": "cat"}\r\n', [Annotation("a.png", "cat", "line 1")]),
    ],
)
def test_metadata_is_read(text: str, annotations: list[Annotation]) -> None:
    assert read_image_folder(text).annotations == annotations


def test_folders_of_splits_are_the_given_split_and_other_columns_are_named() -> None:
    found = read_image_folder("file_name,text,label\ntrain/a.png,x,cat\ntest/b.png,y,dog\nvalidation/c.png,z,dog\n")
    assert [a.split for a in found.annotations] == ["train", "test", "validation"]
    assert found.given_split == "folders say test, train, validation"
    assert found.notes == ["Columns that were not read: text (1 in all)."]
    assert not read_image_folder("file_name,label\ntrain/a.png,cat\nb.png,dog\ntest/c.png,dog\nx/d.png,cat").given_split


@pytest.mark.parametrize(
    "text",
    [
        "file_name,text\na.png,x\n",
        "file_name,label,class\na.png,x,y\n",
        "name,label\na.png,x\n",
        "file_name,label,label\na.png,x,y\n",
        "file_name,label\na.png\n",
        "file_name,label\na.png,x,y\n",
        "file_name,label\n,x\n",
        "file_name,label,split\na.png,x,other\n",
        '{"file_name": "a.png", "label": true}',
        '{"file_name": "a.png", "label": null}',
        '{"file_name": "a.png", "label": ["cat"]}',
        '{"file_name": "a.png", "label": "cat"}\n[1]',
        '{"file_name": "a.png", "label": "cat", "label": "dog"}',
        '{"file_name": "a.png", "label": "cat"}\n{"label": "dog"}',
        '{"file_name": "a.png", "label": "cat", "split": 3}',
        '{"file_name": "a.png", "label": "cat"} {"file_name": "b.png", "label": "cat"}',
    ],
)
def test_damaged_metadata_is_refused(text: str) -> None:
    refusal(read_image_folder, text)


def test_open_images_says_what_is_in_an_image_and_what_is_not() -> None:
    head = "ImageID,Source,LabelName,Confidence\n"
    found = read_open_images(f"{head}a,verification,/m/01yrx,1\na,verification,/m/0bt9lr,0\nb,machine,/m/0bt9lr,0.7\n")
    assert found.annotations == [Annotation("a", "/m/01yrx"), Annotation("b", "/m/0bt9lr")]
    assert found.notes == ["1 row of what is not in an image did not count."]
    several = read_open_images(f"{head}a,verification,cat,1\na,verification,dog,1\n")
    assert [str(bad) for bad in several.bad] == ["a is cat and dog at once"]


def test_open_images_boxes_are_hundredths_of_the_sides() -> None:
    head = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded\n"
    found = read_open_images(f"{head}a,xclick,cat,1,0.25,0.75,0,0.5,0\nb,xclick,cat,1,0,1,0,1,0\n")
    assert found.annotations == [Annotation("b", "cat"), Annotation("a", "cat", box=Box(25, 0, 50, 50, True))]


@pytest.mark.parametrize("cells", ["2,0,1,0,1", "x,0,1,0,1", "nan,0,1,0,1", "1,0.5,0.5,0,1", "1,a,1,0,1", "1,1,0,0,1"])
def test_damaged_rows_of_open_images_are_refused(cells: str) -> None:
    refusal(read_open_images, f"ImageID,LabelName,Confidence,XMin,XMax,YMin,YMax\na,cat,{cells}\n")


def test_folders_as_roboflow_exports_them_have_their_split() -> None:
    names = [
        f"{split}/{label}/IMG_1_jpg.rf.{i}a1b2.jpg"
        for i, split in enumerate(["train", "valid", "test"])
        for label in ("cat", "dog")
    ]
    found = read_folders([*names, "README.dataset.txt", "README.roboflow.txt"])
    assert sorted({(a.label, a.split) for a in found.annotations}) == [
        (label, split) for label in ("cat", "dog") for split in ("test", "train", "validation")
    ]
    assert found.unplaced == ["README.dataset.txt", "README.roboflow.txt"]


def test_folders_as_ultralytics_takes_them_have_their_split() -> None:
    found = read_folders([f"{split}/{label}/1.jpg" for split in ("train", "val", "test") for label in ("n01", "n02")])
    assert {a.split for a in found.annotations} == {"train", "validation", "test"}
