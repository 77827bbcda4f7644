"""Label Studio's exports of choices: several annotators, skipped and cancelled tasks, and what is no choice."""

import json

import pytest

from components.extract.annotations import Annotation
from components.extract.bad_samples import MUST_BE_OF_ONE_CLASS
from components.extract.formats.label_studio import read_label_studio
from components.extract.formats.label_studio_csv import read_label_studio_csv
from components.extract.formats.label_studio_min import read_label_studio_min
from tests.support.annotation_files import refusal
from tests.support.exports import (
    LABEL_STUDIO_CSV,
    label_studio_annotation,
    label_studio_row,
    label_studio_task,
)

AT = 1677665100_000000  # 1 March 2023, 10:05 UTC.


def read(*tasks: object):
    return read_label_studio(json.dumps(list(tasks)))


def test_every_annotator_is_kept_with_his_time() -> None:
    ann = label_studio_annotation("cat", by={"id": 1, "email": "ann@example.org", "first_name": "", "last_name": ""})
    found = read(label_studio_task(1, "s3://p/a.png", ann, label_studio_annotation("dog", by=2)))
    assert found.annotations == [
        Annotation("p/a.png", "cat", "ann@example.org", AT),
        Annotation("p/a.png", "dog", "2", AT),
    ]


@pytest.mark.parametrize("word", ["was_cancelled", "skipped"])
def test_cancelled_annotations_do_not_count_and_skipped_tasks_are_named(word: str) -> None:
    cancelled = label_studio_annotation("dog", by=2, **{"was_cancelled": False, word: True})
    found = read(
        label_studio_task(1, "a.png", label_studio_annotation("cat"), cancelled),
        label_studio_task(2, "b.png", cancelled),
        label_studio_task(3, "c.png"),
    )
    assert [(a.file_name, a.label) for a in found.annotations] == [("a.png", "cat")]
    assert found.notes == [
        "The labelling is not finished: 1 task has no annotation.",
        "Images that were skipped in Label Studio: b.png (1 in all).",
        "Images of which cancelled annotations do not count: a.png (1 in all).",
    ]


def test_an_annotation_that_was_submitted_without_a_choice_is_named() -> None:
    found = read(label_studio_task(1, "a.png", label_studio_annotation()))
    assert found.annotations == []
    assert found.notes == ["Images with an annotation without a choice: a.png (1 in all)."]


def test_predictions_are_no_annotations() -> None:
    prediction = {"model_version": "1", "score": 0.9, "result": label_studio_annotation("dog")["result"]}
    found = read(label_studio_task(1, "a.png", label_studio_annotation("cat"), predictions=[prediction]))
    assert [a.label for a in found.annotations] == ["cat"]


def test_several_choices_at_once_are_a_bad_sample() -> None:
    found = read(label_studio_task(1, "a.png", label_studio_annotation("cat", "dog"), label_studio_annotation("cat")))
    assert found.annotations == []
    assert [(bad.rule, str(bad)) for bad in found.bad] == [(MUST_BE_OF_ONE_CLASS, "a.png is cat and dog at once")]


def test_two_controls_are_refused_as_which_is_the_class_cannot_be_told() -> None:
    both = label_studio_annotation("cat")
    both["result"].append({**both["result"][0], "from_name": "quality", "value": {"choices": ["sharp"]}})
    assert "choice, quality" in refusal(read_label_studio, json.dumps([label_studio_task(1, "a.png", both)]))


def test_a_project_of_boxes_is_called_by_its_name() -> None:
    box = {"type": "rectanglelabels", "from_name": "tag", "value": {"x": 1, "y": 2, "rectanglelabels": ["cat"]}}
    task = label_studio_task(1, "a.png", label_studio_annotation() | {"result": [box]})
    assert "rectanglelabels" in refusal(read_label_studio, json.dumps([task]))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"image": "/data/local-files/?d=pets/a%20b.png"}, "pets/a b.png"),
        ({"image": "https://bucket.example.org/pets/a%20b.png?X-Amz-Signature=1"}, "bucket.example.org/pets/a b.png"),
        ({"image": "s3://bucket/pets/a?b#c.png"}, "bucket/pets/a?b#c.png"),
        ({"img": "gs://bucket/a.png", "text": "x.png or so"}, "bucket/a.png"),
        ({"scan": "/data/upload/1/x.JPG", "caption": "a cat"}, "data/upload/1/x.JPG"),
    ],
)
def test_the_image_of_a_task_is_found(data: dict[str, str], name: str) -> None:
    task = {**label_studio_task(1, "", label_studio_annotation("cat")), "data": data}
    assert [a.file_name for a in read(task).annotations] == [name]


@pytest.mark.parametrize("data", [None, {}, {"text": "a"}, {"one": "a.png", "other": "b.png"}, {"image": 3}, "a.png"])
def test_a_task_whose_image_cannot_be_told_is_refused(data: object) -> None:
    task = {**label_studio_task(1, "", label_studio_annotation("cat")), "data": data}
    refusal(read_label_studio, json.dumps([task]))


@pytest.mark.parametrize("when", [None, "yesterday", [], True, "2023"])
def test_a_time_that_is_none_counts_as_none(when: object) -> None:
    said = label_studio_annotation("cat", updated_at=when, created_at=None)
    assert read(label_studio_task(1, "a.png", said)).annotations[0].created in (0, 1672531200_000000)


def test_rows_have_one_choice_or_several() -> None:
    rows = [label_studio_row("s3://p/a.png", "cat", 1), label_studio_row("s3://p/a.png", "dog", 2)]
    rows += [label_studio_row("s3://p/b.png", {"choices": ["cat", "dog"]}), label_studio_row("s3://p/c.png", None)]
    found = read_label_studio_min(json.dumps(rows))
    assert found.annotations == [Annotation("p/a.png", "cat", "1", AT), Annotation("p/a.png", "dog", "2", AT)]
    assert [str(bad) for bad in found.bad] == ["p/b.png is cat and dog at once"]
    assert found.notes == ["Images with an annotation without a choice: p/c.png (1 in all)."]


def test_the_same_in_a_table() -> None:
    several = LABEL_STUDIO_CSV + '3,1,"{""choices"": [""cat"", ""dog""]}",2023,3,s3://p/c.png,1,2023\n'
    several += "4,1,,2023,4,s3://p/d.png,1,2023\n"
    found = read_label_studio_csv(several)
    assert [(a.label, a.annotator) for a in found.annotations] == [("cat", "1"), ("dog", "2")]
    assert [str(bad) for bad in found.bad] == ["p/c.png is cat and dog at once"]
    assert found.notes == ["Images with an annotation without a choice: p/d.png (1 in all)."]


def test_a_control_under_any_name_is_found_if_it_is_the_only_one() -> None:
    row = label_studio_row("s3://p/a.png", None) | {"animal": "cat"}
    assert [a.label for a in read_label_studio_min(json.dumps([row])).annotations] == ["cat"]
    assert "animal, quality" in refusal(read_label_studio_min, json.dumps([row | {"quality": "sharp"}]))
    called = label_studio_row("s3://p/a.png", "dog") | {"quality": "sharp"}
    assert [a.label for a in read_label_studio_min(json.dumps([called])).annotations] == ["dog"]
